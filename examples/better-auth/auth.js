import { betterAuth } from "better-auth";
import { jwt } from "better-auth/plugins";
import pg from "pg";

const days = 24 * 60 * 60;

export const auth = betterAuth({
  baseURL: process.env.BETTER_AUTH_URL, // its origin is the iss and aud of every token
  secret: process.env.BETTER_AUTH_SECRET,
  database: new pg.Pool({ connectionString: process.env.DATABASE_URL }),
  emailAndPassword: { enabled: true },
  user: { deleteUser: { enabled: true } },
  trustedOrigins: (process.env.TRUSTED_ORIGINS ?? "").split(",").filter(Boolean),
  advanced: { database: { generateId: process.env.ID_TYPE === "uuid" ? "uuid" : undefined } },
  plugins: [
    jwt({
      jwks: { rotationInterval: 30 * days, gracePeriod: 1 * days },
      jwt: {
        expirationTime: process.env.TOKEN_LIFETIME ?? "15m",
        definePayload: ({ user }) => ({ email: user.email, name: user.name }),
      },
    }),
  ],
});

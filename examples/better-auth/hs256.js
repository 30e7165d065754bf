// Issues an HS256 token to a user with a session, signed with a secret that the task service shares.
import { fromNodeHeaders } from "better-auth/node";
import { SignJWT } from "jose";
import { auth } from "./auth.js";

const secret = new TextEncoder().encode(process.env.TASKS_SECRET);

export async function sendHs256Token(req, res) {
  const session = await auth.api.getSession({ headers: fromNodeHeaders(req.headers) });
  if (!session || !process.env.TASKS_SECRET) return res.writeHead(401).end();
  const token = await new SignJWT({ email: session.user.email, name: session.user.name })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setSubject(session.user.id)
    .setIssuedAt()
    .setExpirationTime("15m")
    .sign(secret);
  res.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify({ token }));
}

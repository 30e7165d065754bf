// A Better Auth server in one process: creates its tables, then serves /api/auth.
import { createServer } from "node:http";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { auth } from "./auth.js";
import { corsHeaders } from "./cors.js";
import { sendHs256Token } from "./hs256.js";

const { runMigrations } = await getMigrations(auth.options);
await runMigrations();

const handleAuth = toNodeHandler(auth);

const server = createServer((req, res) => {
  for (const [name, value] of corsHeaders(req)) res.setHeader(name, value);
  if (req.method === "OPTIONS") return res.writeHead(204).end();
  if (req.url === "/api/hs256-token") return sendHs256Token(req, res);
  return handleAuth(req, res);
});

server.listen(Number(process.env.PORT ?? 3001), "127.0.0.1", () => {
  console.log(`Better Auth on ${process.env.BETTER_AUTH_URL}/api/auth`);
});

process.on("SIGTERM", () => server.close(() => process.exit(0)).closeAllConnections());

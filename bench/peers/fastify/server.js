// Starts WORKERS processes that share one port, with Node's cluster module.

import cluster from 'node:cluster';

const { DATABASE_URL, BETTER_AUTH_SECRET, HOST = '127.0.0.1', PORT = '8000', WORKERS = '2' } = process.env;
const { build } = await import(process.env.SAME_WORK ? './same-work.js' : './app.js');

if (cluster.isPrimary) {
  for (let count = 0; count < Number(WORKERS); count += 1) cluster.fork();
} else {
  const app = await build({ databaseUrl: DATABASE_URL, secret: BETTER_AUTH_SECRET });
  await app.listen({ host: HOST, port: Number(PORT) });
}

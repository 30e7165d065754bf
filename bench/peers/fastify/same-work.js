// A peer that does this service's work: its tables, task limit, entity tags and header fields. Else as app.js.

import { createHash, randomUUID } from 'node:crypto';

import jwt from '@fastify/jwt';
import Fastify from 'fastify';
import pg from 'pg';

import { createTask, deleteTask, listTasks, oneTask } from './schemas.js';

pg.types.setTypeParser(pg.types.builtins.INT8, Number);

const MAX_TASKS = 10_000;
const COLUMNS = 'id, user_id, title, description, completed, due_at AS due_date, created_at, updated_at, version';

const LIST = {
  name: 'list',
  text: `SELECT ${COLUMNS} FROM tasks WHERE user_id = $1 ORDER BY created_at DESC, id DESC`,
};
const FIND = { name: 'find', text: `SELECT ${COLUMNS} FROM tasks WHERE id = $1 AND user_id = $2` };
const CREATE = {
  name: 'create',
  text: `INSERT INTO tasks (user_id, title, description, completed, due_at, title_folded, description_folded, folded_version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 1) RETURNING ${COLUMNS}`,
};
const TOGGLE = {
  name: 'toggle',
  text: `UPDATE tasks SET completed = NOT completed, version = version + 1, folded_version = folded_version + 1,
           updated_at = greatest(statement_timestamp(),
             (updated_at AT TIME ZONE 'UTC' + interval '1 microsecond') AT TIME ZONE 'UTC')
         WHERE id = $1 AND user_id = $2 RETURNING ${COLUMNS}`,
};
const DELETE = { name: 'delete', text: 'DELETE FROM tasks WHERE id = $1 AND user_id = $2 RETURNING id' };
const COUNT = { name: 'count', text: 'SELECT count(*) FROM (SELECT 1 FROM tasks WHERE user_id = $1 LIMIT $2) held' };

// What is ASCII is stored once; a folded copy of any other text makes search and sort ignore case and diacritics.
const isAscii = (text) => /^[\0-\x7f]*$/.test(text);
const fold = (text) =>
  text == null || isAscii(text) ? null : text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().normalize('NFKC');

/** The most tasks that a user can have, from the last count and the ids given out since. */
class TaskLimit {
  #counts = new Map();
  #newestId = 0;

  constructor(count) {
    this.count = count;
  }

  note(id) {
    this.#newestId = Math.max(this.#newestId, id);
  }

  async hasRoom(userId) {
    const known = this.#counts.get(userId);
    if (known && known.rows + this.#newestId - known.id < MAX_TASKS) return true;
    const id = this.#newestId;
    const rows = await this.count(userId);
    this.#counts.set(userId, { rows, id });
    return rows < MAX_TASKS;
  }
}

export async function build({ databaseUrl, secret }) {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 });
  const app = Fastify({ logger: false });

  await app.register(jwt, {
    secret,
    // As this service, it verifies a token's signature once.
    verify: { algorithms: ['HS256'], requiredClaims: ['exp', 'sub'], cache: 2000 },
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'X-Request-ID': randomUUID(),
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': 'no-store',
      Vary: 'Origin',
    });
    await request.jwtVerify();
  });
  app.addHook('onClose', () => pool.end());

  const query = async (statement, values) => (await pool.query({ ...statement, values })).rows;
  const limit = new TaskLimit(async (userId) => (await query(COUNT, [userId, MAX_TASKS + 1]))[0].count);
  const missing = (reply) => reply.code(404).send({ error: { code: 'NOT_FOUND' } });
  const send = (request, reply, task) => {
    if (!task) return missing(reply);
    const tag = `"${task.version}"`;
    reply.header('ETag', tag);
    return request.headers['if-none-match'] === tag ? reply.code(304).send() : { data: task };
  };

  const tagList = async (request, reply, payload) => {
    if (reply.statusCode !== 200) return payload;
    const tag = `W/"${createHash('sha256').update(payload).digest('hex').slice(0, 32)}"`;
    reply.headers({ ETag: tag, Vary: 'Origin, Accept-Encoding' });
    if (request.headers['if-none-match'] !== tag) return payload;
    reply.code(304);
    return null;
  };
  app.get('/api/tasks', { schema: listTasks, onSend: tagList }, async (request) => ({
    data: await query(LIST, [request.user.sub]),
  }));

  app.post('/api/tasks', { schema: createTask }, async (request, reply) => {
    const { title, description, completed, due_date: dueDate } = request.body;
    const { sub } = request.user;
    if (!(await limit.hasRoom(sub))) return reply.code(409).send({ error: { code: 'TASK_LIMIT_REACHED' } });
    const values = [sub, title, description, completed, dueDate, fold(title), fold(description)];
    const [task] = await query(CREATE, values);
    limit.note(task.id);
    reply.code(201).headers({ ETag: `"${task.version}"`, Location: `/api/tasks/${task.id}` });
    return { data: task };
  });

  app.get('/api/tasks/:id', { schema: oneTask }, async (request, reply) => {
    const [task] = await query(FIND, [request.params.id, request.user.sub]);
    return send(request, reply, task);
  });

  app.patch('/api/tasks/:id/complete', { schema: oneTask }, async (request, reply) => {
    const [task] = await query(TOGGLE, [request.params.id, request.user.sub]);
    return send(request, reply, task);
  });

  app.delete('/api/tasks/:id', { schema: deleteTask }, async (request, reply) => {
    const [task] = await query(DELETE, [request.params.id, request.user.sub]);
    return task ? reply.code(204).send() : missing(reply);
  });

  return app;
}

// A peer: Fastify over a pg pool, one statement an operation, schemas for validation and serialization.

import jwt from '@fastify/jwt';
import Fastify from 'fastify';
import pg from 'pg';

import { createTask, deleteTask, listTasks, oneTask } from './schemas.js';

// bigint ids become numbers: they stay below 2^53 here.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

const COLUMNS = 'id, user_id, title, description, completed, due_date, created_at, updated_at';

// pg prepares a named statement once for each connection.
const LIST = {
  name: 'list',
  text: `SELECT ${COLUMNS} FROM tasks WHERE user_id = $1 ORDER BY created_at DESC, id DESC`,
};
const FIND = { name: 'find', text: `SELECT ${COLUMNS} FROM tasks WHERE id = $1 AND user_id = $2` };
const CREATE = {
  name: 'create',
  text: `INSERT INTO tasks (user_id, title, description, completed, due_date)
         VALUES ($1, $2, $3, $4, $5) RETURNING ${COLUMNS}`,
};
const TOGGLE = {
  name: 'toggle',
  text: `UPDATE tasks SET completed = NOT completed, updated_at = clock_timestamp()
         WHERE id = $1 AND user_id = $2 RETURNING ${COLUMNS}`,
};
const DELETE = { name: 'delete', text: 'DELETE FROM tasks WHERE id = $1 AND user_id = $2 RETURNING id' };

export async function build({ databaseUrl, secret }) {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 });
  const app = Fastify({ logger: false });

  await app.register(jwt, {
    secret,
    verify: { algorithms: ['HS256'], requiredClaims: ['exp', 'sub'] },
  });
  app.addHook('onRequest', async (request) => {
    await request.jwtVerify();
  });
  app.addHook('onClose', () => pool.end());

  const query = async (statement, values) => (await pool.query({ ...statement, values })).rows;
  const missing = (reply) => reply.code(404).send({ error: { code: 'NOT_FOUND' } });

  app.get('/api/tasks', { schema: listTasks }, async (request) => ({
    data: await query(LIST, [request.user.sub]),
  }));

  app.post('/api/tasks', { schema: createTask }, async (request, reply) => {
    const { title, description, completed, due_date: dueDate } = request.body;
    const [task] = await query(CREATE, [request.user.sub, title, description, completed, dueDate]);
    reply.code(201);
    return { data: task };
  });

  app.get('/api/tasks/:id', { schema: oneTask }, async (request, reply) => {
    const [task] = await query(FIND, [request.params.id, request.user.sub]);
    return task ? { data: task } : missing(reply);
  });

  app.patch('/api/tasks/:id/complete', { schema: oneTask }, async (request, reply) => {
    const [task] = await query(TOGGLE, [request.params.id, request.user.sub]);
    return task ? { data: task } : missing(reply);
  });

  app.delete('/api/tasks/:id', { schema: deleteTask }, async (request, reply) => {
    const [task] = await query(DELETE, [request.params.id, request.user.sub]);
    return task ? reply.code(204).send() : missing(reply);
  });

  return app;
}

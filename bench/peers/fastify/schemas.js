// The peer's JSON Schemas: Fastify validates requests with them and compiles serializers from them.

const nullable = (type, more = {}) => ({ type, nullable: true, ...more });

const task = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    user_id: { type: 'string' },
    title: { type: 'string' },
    description: nullable('string'),
    completed: { type: 'boolean' },
    due_date: nullable('string', { format: 'date-time' }),
    created_at: { type: 'string', format: 'date-time' },
    updated_at: { type: 'string', format: 'date-time' },
  },
};

const enveloped = (data) => ({ type: 'object', properties: { data } });

const params = {
  type: 'object',
  required: ['id'],
  properties: { id: { type: 'integer' } },
};

const body = {
  type: 'object',
  required: ['title'],
  properties: {
    title: { type: 'string', minLength: 1, maxLength: 500 },
    description: nullable('string', { maxLength: 10000 }),
    completed: { type: 'boolean', default: false },
    due_date: nullable('string', { format: 'date-time' }),
  },
};

export const listTasks = { response: { 200: enveloped({ type: 'array', items: task }) } };
export const createTask = { body, response: { 201: enveloped(task) } };
export const oneTask = { params, response: { 200: enveloped(task) } };
export const deleteTask = { params };

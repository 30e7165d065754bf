// The client with a running service at BASE_URL. TOKEN and EXPIRED_TOKEN are the same user's.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createApiClient, unwrap, type Task } from "./api-client.js";

const baseUrl = process.env.BASE_URL ?? "";
const token = process.env.TOKEN ?? "";
const api = createApiClient({ baseUrl, token: () => token });

function one(id: number) {
  return { path: { task_id: id } };
}

test("a task is created, listed, read, changed, completed and deleted", async () => {
  const created: Task = (
    await unwrap(api.POST("/api/tasks", { body: { title: "Buy groceries", due_date: "2026-03-01" } }))
  ).data;
  assert.equal(created.completed, false);
  assert.equal(created.due_date, "2026-03-01");

  const listed = await unwrap(api.GET("/api/tasks", { params: { query: { status: "pending", limit: 10 } } }));
  assert.deepEqual(listed.data, [created]);
  assert.equal(listed.pagination?.total, 1);
  assert.equal(listed.pagination?.next_cursor, null);

  const { response } = await api.GET("/api/tasks/{task_id}", { params: one(created.id) });
  const etag = response.headers.get("ETag") ?? "";
  assert.equal(etag, '"1"');

  const changed = await unwrap(
    api.PATCH("/api/tasks/{task_id}", {
      params: { ...one(created.id), header: { "If-Match": etag } },
      body: { title: "Buy organic groceries", due_date: null },
    }),
  );
  assert.equal(changed.data.title, "Buy organic groceries");
  assert.equal(changed.data.due_date, null);

  const flipped = await unwrap(api.PATCH("/api/tasks/{task_id}/complete", { params: one(created.id) }));
  assert.equal(flipped.data.completed, true);
  const set = await unwrap(
    api.PATCH("/api/tasks/{task_id}/complete", { params: one(created.id), body: { completed: true } }),
  );
  assert.equal(set.data.completed, true);

  assert.equal(await unwrap(api.DELETE("/api/tasks/{task_id}", { params: one(created.id) })), undefined);
  assert.deepEqual((await unwrap(api.GET("/api/tasks"))).data, []);
});

test("a walk by cursor sees every task once", async () => {
  const ids = new Set<number>();
  for (const title of ["a", "b", "c"]) {
    ids.add((await unwrap(api.POST("/api/tasks", { body: { title } }))).data.id);
  }
  const seen: number[] = [];
  let cursor: string | null | undefined;
  do {
    const query = { sort: "title", limit: 1, ...(cursor ? { cursor } : {}) } as const;
    const page = await unwrap(api.GET("/api/tasks", { params: { query } }));
    seen.push(...page.data.map((task) => task.id));
    cursor = page.pagination?.next_cursor;
  } while (cursor);
  assert.deepEqual(new Set(seen), ids);
  assert.equal(seen.length, ids.size);
  for (const id of ids) await unwrap(api.DELETE("/api/tasks/{task_id}", { params: one(id) }));
});

test("an account is registered, and its token authenticates the calls that follow", async () => {
  const session: { token?: string } = {};
  const account = createApiClient({ baseUrl, token: () => session.token });
  const body = { email: `${crypto.randomUUID()}@example.com`, password: "correct horse" };
  session.token = (await unwrap(account.POST("/auth/register", { body }))).data.token;
  assert.deepEqual((await unwrap(account.GET("/api/tasks"))).data, []);
  assert.equal((await unwrap(account.POST("/auth/login", { body }))).data.user.email, body.email);
});

test("the provider is called before every request", async () => {
  const requested: boolean[] = [];
  const watched = createApiClient({
    baseUrl,
    token: async (fresh) => {
      requested.push(fresh);
      return token;
    },
  });
  await unwrap(watched.GET("/api/tasks"));
  await unwrap(watched.GET("/api/tasks"));
  assert.deepEqual(requested, [false, false]);
});

test("an expired token is replaced by a fresh one and the call, body and all, is sent once more", async () => {
  const requested: boolean[] = [];
  const renewing = createApiClient({
    baseUrl,
    token: (fresh) => {
      requested.push(fresh);
      return fresh ? token : process.env.EXPIRED_TOKEN;
    },
  });
  const created = await unwrap(renewing.POST("/api/tasks", { body: { title: "Späť 🥦" } }));
  assert.equal(created.data.title, "Späť 🥦");
  assert.deepEqual(requested, [false, true]);
  await unwrap(api.DELETE("/api/tasks/{task_id}", { params: one(created.data.id) }));
});

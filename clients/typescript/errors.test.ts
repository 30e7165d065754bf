// One error of each kind from a running service. TOKEN and STRANGER are two users' tokens.
// EXPIRED_TOKEN is the first user's.
// The service runs with MAX_TASKS=3 and a rate limit of 60 calls.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { ApiError, createApiClient, unwrap, type ApiClient, type ErrorCode } from "./api-client.js";

const { BASE_URL: baseUrl = "", TOKEN, STRANGER, EXPIRED_TOKEN } = process.env;
const withToken = (token: string | undefined): ApiClient => createApiClient({ baseUrl, token: () => token });
const api = withToken(TOKEN);
const stranger = withToken(STRANGER);

type Call = Parameters<typeof unwrap>[0];

async function errorOf(call: Call): Promise<ApiError> {
  const error = await unwrap(call).then(
    () => assert.fail("the call succeeded"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ApiError, String(error));
  assert.match(error.requestId ?? "", /^[\w.-]+$/);
  return error;
}

let id = 0;
const task = () => ({ path: { task_id: id } });

before(async () => {
  id = (await unwrap(api.POST("/api/tasks", { body: { title: "One" } }))).data.id;
});

const raw = (body: string, type = "application/json") => ({
  body: { title: "" },
  bodySerializer: () => body,
  headers: { "Content-Type": type },
});

const kinds: [ErrorCode, number, () => Call][] = [
  ["MALFORMED_JSON", 400, () => api.POST("/api/tasks", raw("{"))],
  ["VALIDATION_ERROR", 422, () => api.POST("/api/tasks", { body: { title: " " } })],
  ["VALIDATION_ERROR", 400, () => api.POST("/tasks", { body: { title: " " } })],
  ["UNAUTHORIZED", 401, () => withToken(undefined).GET("/api/tasks")],
  ["TOKEN_INVALID", 401, () => withToken("no.such.token").GET("/api/tasks")],
  ["TOKEN_EXPIRED", 401, () => withToken(EXPIRED_TOKEN).GET("/api/tasks")],
  ["FORBIDDEN", 403, () => stranger.GET("/tasks/{task_id}", { params: task() })],
  ["NOT_FOUND", 404, () => stranger.GET("/api/tasks/{task_id}", { params: task() })],
  ["UNSUPPORTED_MEDIA_TYPE", 415, () => api.POST("/api/tasks", raw("title: One", "text/plain"))],
  ["PAYLOAD_TOO_LARGE", 413, () => api.POST("/api/tasks", { body: { title: "x".repeat(2 ** 20) } })],
  [
    "PRECONDITION_FAILED",
    412,
    () => api.DELETE("/api/tasks/{task_id}", { params: { ...task(), header: { "If-Match": '"7"' } } }),
  ],
  [
    "INVALID_CREDENTIALS",
    401,
    () => api.POST("/auth/login", { body: { email: "nobody@example.com", password: "correct horse" } }),
  ],
];

for (const [code, status, call] of kinds) {
  test(`${code} (${status}) is an ApiError`, async () => {
    const error = await errorOf(call());
    assert.deepEqual([error.code, error.status], [code, status]);
  });
}

test("the invalid fields are named", async () => {
  const error = await errorOf(api.POST("/api/tasks", { body: { title: "", description: "\0" } }));
  assert.deepEqual(error.details.map((each) => each.field).sort(), ["description", "title"]);
  assert.deepEqual((await errorOf(withToken(undefined).GET("/api/tasks"))).details, []);
});

test("a taken e-mail is EMAIL_TAKEN", async () => {
  const body = { email: `${crypto.randomUUID()}@example.com`, password: "correct horse" };
  await unwrap(api.POST("/auth/register", { body }));
  assert.equal((await errorOf(api.POST("/auth/register", { body }))).code, "EMAIL_TAKEN");
});

test("a key used with another body is IDEMPOTENCY_KEY_REUSED, one task too many TASK_LIMIT_REACHED", async () => {
  const params = { header: { "Idempotency-Key": crypto.randomUUID() } };
  await unwrap(stranger.POST("/api/tasks", { params, body: { title: "One" } }));
  const reused = await errorOf(stranger.POST("/api/tasks", { params, body: { title: "Two" } }));
  assert.deepEqual([reused.code, reused.status], ["IDEMPOTENCY_KEY_REUSED", 422]);
  await unwrap(stranger.POST("/api/tasks", { body: { title: "Two" } }));
  await unwrap(stranger.POST("/api/tasks", { body: { title: "Three" } }));
  const full = await errorOf(stranger.POST("/api/tasks", { body: { title: "Four" } }));
  assert.deepEqual([full.code, full.status], ["TASK_LIMIT_REACHED", 409]);
});

test("a request with an expired token is sent twice and no more", async () => {
  const requested: boolean[] = [];
  const expired = createApiClient({
    baseUrl,
    token: (fresh) => {
      requested.push(fresh);
      return EXPIRED_TOKEN;
    },
  });
  assert.equal((await errorOf(expired.GET("/api/tasks"))).code, "TOKEN_EXPIRED");
  assert.deepEqual(requested, [false, true]);
});

test("too many calls are RATE_LIMITED, with the seconds to wait", async () => {
  for (let call = 0; call < 100; call += 1) {
    const { response, error } = await stranger.GET("/api/tasks");
    if (response.ok) continue;
    const limited = new ApiError(response, error);
    assert.deepEqual([limited.code, limited.status], ["RATE_LIMITED", 429]);
    assert.ok((limited.retryAfter ?? 0) >= 1);
    return;
  }
  assert.fail("was never limited");
});

// The client with a service whose database is down.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, createApiClient, unwrap } from "./api-client.js";

test("an unreachable database is DATABASE_UNAVAILABLE, with the seconds to wait", async () => {
  const { BASE_URL: baseUrl = "", TOKEN } = process.env;
  const api = createApiClient({ baseUrl, token: () => TOKEN });
  const error = await unwrap(api.GET("/api/tasks")).catch((reason: unknown) => reason);
  assert.ok(error instanceof ApiError);
  assert.deepEqual([error.code, error.status, error.retryAfter], ["DATABASE_UNAVAILABLE", 503, 1]);
});

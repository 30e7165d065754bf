// What the client makes of a service whose database is gone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, createApiClient, unwrap } from "./api-client.js";

test("a missing database is DATABASE_UNAVAILABLE, with the seconds to wait", async () => {
  const { BASE_URL: baseUrl = "", TOKEN } = process.env;
  const api = createApiClient({ baseUrl, token: () => TOKEN });
  const error = await unwrap(api.GET("/api/tasks")).catch((reason: unknown) => reason);
  assert.ok(error instanceof ApiError);
  assert.deepEqual([error.code, error.status, error.retryAfter], ["DATABASE_UNAVAILABLE", 503, 1]);
});

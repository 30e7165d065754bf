// Connections that fail, and responses that are not the service's. Needs no service.

import assert from "node:assert/strict";
import { createServer, type AddressInfo, type Server } from "node:net";
import { after, test } from "node:test";
import { ApiError, NetworkError, createApiClient, unwrap, type ApiClient } from "./api-client.js";

const servers: Server[] = [];
after(() => servers.forEach((server) => server.close()));

const JSON_HEAD = "Content-Type: application/json\r\nConnection: close\r\n";
const HTML = "<h1>Bad gateway</h1>";
const EXPIRED = { error: { code: "TOKEN_EXPIRED", message: "The token has expired" } };

function page(status: string): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: ${HTML.length}\r\n\r\n${HTML}`;
}

/** A client of a server that sends each connection these bytes, and then closes it or stays silent. */
async function clientOf(bytes: string, then: "close" | "silence" = "close"): Promise<ApiClient> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => (then === "close" ? socket.end(bytes) : socket.write(bytes)));
  });
  servers.push(server.unref());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return createApiClient({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: () => "token" });
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => assert.fail("the call succeeded"),
    (reason: unknown) => reason,
  );
}

const brokenConnections: [string, string][] = [
  ["before a response", ""],
  ["within the head", "HTTP/1.1 200 OK\r\nContent-Ty"],
  ["within a body with a length", `HTTP/1.1 200 OK\r\n${JSON_HEAD}Content-Length: 1000\r\n\r\n{"data": [`],
  ["within a chunked body", `HTTP/1.1 200 OK\r\n${JSON_HEAD}Transfer-Encoding: chunked\r\n\r\na\r\n{"data": [\r\n`],
  ["within a body that ends with the connection", `HTTP/1.1 200 OK\r\n${JSON_HEAD}\r\n{"data": [`],
  ["within the body of an error", `HTTP/1.1 500 Error\r\n${JSON_HEAD}Content-Length: 1000\r\n\r\n{"error": {`],
  ["within the body of an expired token's", `HTTP/1.1 401 No\r\n${JSON_HEAD}Content-Length: 1000\r\n\r\n{"error": {`],
];

for (const [where, bytes] of brokenConnections) {
  test(`a connection that breaks ${where} is a NetworkError, with and without unwrap`, async () => {
    const api = await clientOf(bytes);
    for (const error of [await rejection(unwrap(api.GET("/api/tasks"))), await rejection(api.GET("/api/tasks"))]) {
      assert.ok(error instanceof NetworkError, String(error));
      assert.equal(error.timedOut, false);
      assert.ok(error.cause instanceof Error);
    }
  });
}

test("a port on which nobody listens is a NetworkError", async () => {
  const api = createApiClient({ baseUrl: "http://127.0.0.1:1" });
  assert.ok((await rejection(unwrap(api.GET("/api/tasks")))) instanceof NetworkError);
});

for (const [state, bytes] of [["no response", ""], ["half a response", `HTTP/1.1 200 OK\r\n${JSON_HEAD}\r\n{`]] as const) {
  test(`a timeout with ${state} is a NetworkError that says so`, async () => {
    const api = await clientOf(bytes, "silence");
    const error = await rejection(unwrap(api.GET("/api/tasks", { signal: AbortSignal.timeout(300) })));
    assert.ok(error instanceof NetworkError, String(error));
    assert.equal(error.timedOut, true);
  });
}

test("an abort by the caller rejects with the caller's reason", async () => {
  const api = await clientOf("", "silence");
  const controller = new AbortController();
  const call = rejection(unwrap(api.GET("/api/tasks", { signal: controller.signal })));
  controller.abort(new Error("The page was left"));
  assert.equal(String(await call), "Error: The page was left");
});

const notTheServices: [string, number, string][] = [
  ["a proxy's error page", 502, page("502 Bad Gateway")],
  ["a log-in page of a proxy", 401, page("401 Unauthorized")],
  ["a page in place of tasks", 200, page("200 OK")],
  ["another program's JSON", 500, `HTTP/1.1 500 Error\r\n${JSON_HEAD}\r\n{"error": "no"}`],
];

for (const [what, status, bytes] of notTheServices) {
  test(`${what} is an ApiError with the code UNKNOWN`, async () => {
    const error = await rejection(unwrap((await clientOf(bytes)).GET("/api/tasks")));
    assert.ok(error instanceof ApiError, String(error));
    assert.deepEqual([error.code, error.status, error.requestId, error.details], ["UNKNOWN", status, null, []]);
  });
}

test("what the token's provider throws passes unchanged, for a fresh token too", async () => {
  const expired = Response.json(EXPIRED, { status: 401 });
  for (const failing of [false, true]) {
    const api = createApiClient({
      baseUrl: "http://127.0.0.1:1",
      fetch: async () => expired.clone(),
      token: (fresh) => {
        if (fresh === failing) throw new TypeError("Sign in first");
        return "token";
      },
    });
    assert.equal(String(await rejection(api.GET("/api/tasks"))), "TypeError: Sign in first");
  }
});

/** A small server of tasks behind `fetch`. It knows each user by the token `token-of(id)`. */
import { tokenOf, userIdOf } from "./tokens.js";

const JSON_HEADERS = { "Content-Type": "application/json" };

export class FakeServer {
  /** `{method, path, userId, body, headers}` of each request, in order. */
  requests = [];
  /** `{id, userId, title, …}` of each task. */
  tasks = [];
  /** Tokens that are refused with 401. */
  expired = new Set();
  #failures = [];
  #keys = new Map();
  #ids = 0;
  #version = 0;

  /** Takes the place of fetch. */
  install() {
    globalThis.fetch = (url, options) => this.#respond(url, options);
    return this;
  }

  /** The next requests that match get this status, or no response (null); the request is executed if `executed`. */
  failNext(status, { count = 1, method = null, executed = false, headers = {} } = {}) {
    for (let left = count; left > 0; left -= 1) this.#failures.push({ status, method, executed, headers });
  }

  add(userId, fields) {
    const now = new Date(Date.parse("2031-01-01T00:00:00Z") + (this.#version += 1) * 1000).toISOString();
    const task = {
      id: (this.#ids += 1), user_id: userId, title: "", description: null, due_date: null, completed: false,
      created_at: now, updated_at: now, ...fields,
    };
    this.tasks.push(task);
    return task;
  }

  /** Changes a task as another device would. */
  change(id, fields) {
    const updated_at = new Date(Date.parse("2031-01-01T00:00:00Z") + (this.#version += 1) * 1000).toISOString();
    return Object.assign(this.tasks.find((task) => task.id === id), fields, { updated_at });
  }

  titlesOf(userId) {
    return this.tasks.filter((task) => task.user_id === userId).map(({ title }) => title);
  }

  writes() {
    return this.requests.filter(({ method }) => method !== "GET");
  }

  async #respond(url, { method, headers, body, signal }) {
    const { pathname, searchParams } = new URL(url, "http://page.test");
    const token = headers.Authorization?.slice("Bearer ".length) ?? null;
    const json = body === undefined ? undefined : JSON.parse(body);
    const request = { method, path: pathname, searchParams, userId: token && userIdOf(token), body: json, headers };
    this.requests.push(request);
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    const failure = this.#failures.find((each) => each.method === null || each.method === method);
    if (failure) this.#failures.splice(this.#failures.indexOf(failure), 1);
    if (failure?.executed) this.#execute(request, token);
    if (failure?.status === null) throw new TypeError("fetch failed");
    if (failure) return new Response("{}", { status: failure.status, headers: failure.headers });
    return this.#execute(request, token);
  }

  #execute({ method, path, searchParams, userId, body, headers }, token) {
    if (path === "/auth/renew") return respond(200, { data: { token: tokenOf(userId, { issue: (this.#version += 1) }) } });
    if (token === null || this.expired.has(token)) return respond(401, { error: { message: "The token has expired" } });
    const [, , , id] = path.split("/");
    const own = this.tasks.filter((task) => task.user_id === userId);
    if (id === undefined) return method === "GET" ? this.#list(own, searchParams) : this.#create(userId, body, headers);
    const task = own.find((each) => each.id === Number(id));
    if (!task) return respond(404, { error: { message: "No such task" } });
    if (method === "DELETE") {
      this.tasks.splice(this.tasks.indexOf(task), 1);
      return new Response(null, { status: 204 });
    }
    if (method === "GET") return respond(200, { data: task }, tagOf(task));
    if (headers["If-Match"] && headers["If-Match"] !== tagOf(task)) return respond(412, { error: { message: "Changed" } });
    this.change(task.id, body);
    return respond(200, { data: task }, tagOf(task));
  }

  #list(own, searchParams) {
    const status = searchParams.get("status");
    const found = own.filter(({ completed }) => status === "all" || completed === (status === "completed")).reverse();
    const from = Number(searchParams.get("cursor") ?? 0);
    const until = from + Number(searchParams.get("limit"));
    const next_cursor = until < found.length ? String(until) : null;
    return respond(200, { data: found.slice(from, until), pagination: { total: found.length, next_cursor } });
  }

  #create(userId, body, headers) {
    if (body.title.length > 500) return respond(422, { error: { message: "Too long", details: [{ field: "title", message: "Too long" }] } });
    const key = `${userId} ${headers["Idempotency-Key"]}`;
    if (!this.#keys.has(key)) this.#keys.set(key, this.add(userId, body));
    const task = this.#keys.get(key);
    return respond(201, { data: task }, tagOf(task));
  }
}

function tagOf({ id, updated_at }) {
  return `"${id}-${updated_at}"`;
}

/** The text is made at once, as a response on the wire is: a later change of a task does not change it. */
function respond(status, body, etag) {
  return new Response(JSON.stringify(body), { status, headers: { ...JSON_HEADERS, ...(etag && { ETag: etag }) } });
}

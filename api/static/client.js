/** The API's calls, each as the person who began it, retried if that is safe. After a 401 a call waits for a new log-in. */
import { call, ErrorResponse } from "./api.js";
import { withRetries } from "./retries.js";

export const PAGE_SIZE = 50;
/** Who asks for more than the first page has a long list: fewer clicks to its end. */
const NEXT_PAGE_SIZE = 200;
/** The most tasks that one response may have. */
const MAX_PAGE_SIZE = 1000;

export class Client {
  #session;
  #retryQueue;
  #root;
  #tasks;

  /** `root` is the path of the canonical contract, with a slash at the end. */
  constructor(session, retryQueue, root) {
    this.#session = session;
    this.#retryQueue = retryQueue;
    this.#root = root;
    this.#tasks = `${root}api/tasks`;
  }

  register(fields, signal) {
    // Not resent without a response: if the first request was executed, the second would find the e-mail taken.
    return this.#account("auth/register", fields, { signal, resend: false });
  }

  logIn(fields, signal) {
    return this.#account("auth/login", fields, { signal });
  }

  /** A new token for a valid one of a local account. */
  async renew(token) {
    const { body } = await call("POST", `${this.#root}auth/renew`, { token });
    return body.data.token;
  }

  /** @throws the error response if the service does not accept the token */
  async check(token) {
    await call("GET", `${this.#tasks}?limit=1`, { token });
  }

  /**
   * One page of a list, or at least the first `atLeast` tasks of it.
   * `query` has status, search, sort and order; `cursor` is null for the first page.
   * `total` is the number of all tasks of the query; null after the first page.
   */
  async list(query, cursor, { signal, atLeast = PAGE_SIZE } = {}) {
    const tasks = [];
    let next = cursor;
    let total = null;
    do {
      const limit = Math.min(MAX_PAGE_SIZE, Math.max(cursor ? NEXT_PAGE_SIZE : PAGE_SIZE, atLeast - tasks.length));
      const parameters = new URLSearchParams({ ...query, limit, ...(next && { cursor: next }) });
      const { body } = await this.#send("GET", `${this.#tasks}?${parameters}`, { signal });
      tasks.push(...body.data);
      next = body.pagination.next_cursor;
      total ??= body.pagination.total ?? null;
    } while (next !== null && tasks.length < atLeast);
    return { tasks, nextCursor: next, total };
  }

  /** The number of tasks of a query. */
  async count(query, signal) {
    const parameters = new URLSearchParams({ ...query, limit: 1 });
    const { body } = await this.#send("GET", `${this.#tasks}?${parameters}`, { signal });
    return body.pagination.total;
  }

  find(id) {
    return this.#task("GET", `${this.#tasks}/${id}`);
  }

  /** With the same `key` a repeated request creates no second task. */
  create(fields, key) {
    return this.#task("POST", this.#tasks, { json: fields, headers: { "Idempotency-Key": key } });
  }

  change(id, fields, etag) {
    return this.#task("PATCH", `${this.#tasks}/${id}`, { json: fields, headers: { "If-Match": etag } });
  }

  setCompleted(id, completed) {
    return this.#task("PATCH", `${this.#tasks}/${id}/complete`, { json: { completed } });
  }

  async remove(id) {
    await this.#send("DELETE", `${this.#tasks}/${id}`);
  }

  /** Deletes while the page unloads: the request outlives the page. */
  removeOnLeaving(id) {
    if (!this.#session.token) return;
    const headers = { Authorization: `Bearer ${this.#session.token}` };
    fetch(`${this.#tasks}/${id}`, { method: "DELETE", headers, keepalive: true }).catch(() => {});
  }

  async #task(method, path, options) {
    const { body, etag } = await this.#send(method, path, options);
    return { task: body.data, etag };
  }

  async #account(path, json, { signal, resend = true }) {
    const attempt = () => call("POST", `${this.#root}${path}`, { json, signal });
    const { body } = await withRetries(this.#retryQueue, attempt, { signal, resend });
    return body.data;
  }

  async #send(method, path, { signal: own, ...options } = {}) {
    const { identity } = this.#session;
    if (!identity) throw new DOMException("Nobody is logged in", "AbortError");
    const signal = own ? AbortSignal.any([own, identity.signal]) : identity.signal;
    let refused = null;
    const attempt = async () => {
      const token = await this.#session.tokenOf(identity, { signal, refused });
      try {
        return await call(method, path, { token, signal, ...options });
      } catch (error) {
        if (!(error instanceof ErrorResponse && error.status === 401)) throw error;
        this.#session.expire(token, error.message);
        // A log-in within the same second may give the same token again.
        refused = this.#session.token === token ? token : null;
        return attempt();
      }
    };
    return withRetries(this.#retryQueue, attempt, { signal });
  }
}

/** The API's calls as the logged-in user, retried if that is safe. A 401 ends the session. */
import { call, ErrorResponse } from "./api.js";
import { withRetries } from "./retries.js";

// The page may be below a prefix that a proxy strips. This file is at static/client.js below it. The canonical contract
// is at the root, or below another path where a frontend's own contract takes that.
const ROOT = `${new URL("../", import.meta.url).pathname}${document.documentElement.dataset.apiRoot}`;
const TASKS = `${ROOT}api/tasks`;
export const PAGE_SIZE = 50;

export class Client {
  #session;
  #retryQueue;

  constructor(session, retryQueue) {
    this.#session = session;
    this.#retryQueue = retryQueue;
  }

  register(fields, signal) {
    // Not resent without a response: if the first request was executed, the second would find the e-mail taken.
    return this.#account(`${ROOT}auth/register`, fields, { signal, resend: false });
  }

  logIn(fields, signal) {
    return this.#account(`${ROOT}auth/login`, fields, { signal });
  }

  /** `query` has status, search, sort and order; `cursor` is null for the first page. */
  async list(query, cursor, signal) {
    const parameters = new URLSearchParams({ ...query, limit: PAGE_SIZE, ...(cursor && { cursor }) });
    const { body } = await this.#send("GET", `${TASKS}?${parameters}`, { signal });
    return { tasks: body.data, nextCursor: body.pagination.next_cursor };
  }

  /** The number of all, of pending and of completed tasks. */
  async counts() {
    const [all, pending] = await Promise.all(
      ["all", "pending"].map(async (status) => {
        const { body } = await this.#send("GET", `${TASKS}?status=${status}&limit=1`);
        return body.pagination.total;
      }),
    );
    return { all, pending, completed: all - pending };
  }

  find(id) {
    return this.#task("GET", `${TASKS}/${id}`);
  }

  /** With the same `key` a repeated request creates no second task. */
  create(fields, key) {
    return this.#task("POST", TASKS, { json: fields, headers: { "Idempotency-Key": key } });
  }

  change(id, fields, etag) {
    return this.#task("PATCH", `${TASKS}/${id}`, { json: fields, headers: etag ? { "If-Match": etag } : {} });
  }

  setCompleted(id, completed) {
    return this.#task("PATCH", `${TASKS}/${id}/complete`, { json: { completed } });
  }

  async remove(id) {
    await this.#send("DELETE", `${TASKS}/${id}`);
  }

  /** Deletes while the page unloads: the request outlives the page. */
  removeOnLeaving(id) {
    const headers = { Authorization: `Bearer ${this.#session.token}` };
    fetch(`${TASKS}/${id}`, { method: "DELETE", headers, keepalive: true }).catch(() => {});
  }

  async #task(method, path, options) {
    const { body, etag } = await this.#send(method, path, options);
    return { task: body.data, etag };
  }

  async #account(path, json, { signal, resend = true }) {
    const attempt = () => call("POST", path, { json, signal });
    const { body } = await withRetries(this.#retryQueue, attempt, { signal, resend });
    return body.data;
  }

  async #send(method, path, { signal = this.#session.signal, ...options } = {}) {
    const attempt = async () => {
      const token = this.#session.token;
      try {
        return await call(method, path, { token, signal, ...options });
      } catch (error) {
        if (error instanceof ErrorResponse && error.status === 401) this.#session.expire(token, error.message);
        throw error;
      }
    };
    return withRetries(this.#retryQueue, attempt, { signal });
  }
}

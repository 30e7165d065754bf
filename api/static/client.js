/** The API's calls by name, as the logged-in user, with patience; a 401 ends the session. */
import { call, Refusal } from "/static/api.js";
import { patiently } from "/static/patience.js";

const TASKS = "/api/tasks";
export const PAGE_SIZE = 50;

export class Client {
  #session;
  #waiting;

  constructor(session, waiting) {
    this.#session = session;
    this.#waiting = waiting;
  }

  register(fields, signal) {
    // Sent twice it would find the e-mail taken, by itself: so it is not sent again when no answer came.
    return this.#account("/auth/register", fields, { signal, resend: false });
  }

  logIn(fields, signal) {
    return this.#account("/auth/login", fields, { signal });
  }

  /** `query`: status, search, sort, order; and the cursor of the page after. */
  async list(query, cursor, signal) {
    const parameters = new URLSearchParams({ ...query, limit: PAGE_SIZE, ...(cursor && { cursor }) });
    const { body } = await this.#send("GET", `${TASKS}?${parameters}`, { signal });
    return { tasks: body.data, nextCursor: body.pagination.next_cursor };
  }

  /** How many tasks there are in all, and how many of them are pending. */
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

  /** `key` makes a repeat harmless: the same key creates once. */
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

  /** For the moment in which the page goes away: sent without waiting, outlives the page. */
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
    const { body } = await patiently(this.#waiting, attempt, { signal, resend });
    return body.data;
  }

  async #send(method, path, { signal = this.#session.signal, ...options } = {}) {
    const attempt = async () => {
      const token = this.#session.token;
      try {
        return await call(method, path, { token, signal, ...options });
      } catch (error) {
        if (error instanceof Refusal && error.status === 401) this.#session.expire(token, error.message);
        throw error;
      }
    };
    return patiently(this.#waiting, attempt, { signal });
  }
}

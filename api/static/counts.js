/**
 * The numbers of tasks that the search finds. A list's response brings one of them, a second request another; then each
 * confirmed write is counted here. Fires "change".
 */

export class Counts extends EventTarget {
  /** `{all, pending, completed}`, or null while they are not known. */
  value = null;
  #client;
  #request = new AbortController();
  /** Whether a write was confirmed while numbers were being loaded, which may contain it or not. */
  #isUncertain = false;

  constructor(client) {
    super();
    this.#client = client;
  }

  /** A list is being requested. */
  expect() {
    this.#isUncertain = false;
  }

  /** Completes the `total` of the list of a query. */
  load(query, total) {
    const other = query.status === "all" ? "pending" : "all";
    return this.#update(async (count) => ({ [query.status]: total, [other]: await count(other) }), query.search);
  }

  /** Asks for all numbers: after a write that may have changed what the search finds. */
  reload({ search }) {
    return this.#update(async (count) => {
      const [all, pending] = await Promise.all([count("all"), count("pending")]);
      return { all, pending };
    }, search);
  }

  /** Counts a write. `before` and `after` are the task, or null for none. */
  add(before, after) {
    this.#isUncertain = true;
    if (!this.value) return;
    const next = { ...this.value };
    for (const [task, step] of [[before, -1], [after, 1]]) {
      if (!task) continue;
      next.all += step;
      next[task.completed ? "completed" : "pending"] += step;
    }
    this.#show(next);
  }

  clear() {
    this.#request.abort();
    this.#show(null);
  }

  async #update(load, search) {
    this.#request.abort();
    const { signal } = (this.#request = new AbortController());
    const count = (status) => this.#client.count({ status, ...(search !== "" && { search }) }, signal);
    try {
      const { all, pending, completed } = await load(count);
      if (signal.aborted) return;
      if (this.#isUncertain) {
        this.#isUncertain = false;
        return this.reload({ search });
      }
      this.#show({ all, pending: pending ?? all - completed, completed: completed ?? all - pending });
    } catch (error) {
      // The numbers are optional, and the list reports the same error.
      if (error.name !== "AbortError") this.#show(null);
    }
  }

  #show(value) {
    this.value = value;
    this.dispatchEvent(new Event("change"));
  }
}

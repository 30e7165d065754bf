/**
 * The list's query (filter, search, sort) and its pages by cursor.
 * A new request aborts the one before. Fires "change".
 */

const REMOVAL_DELAY_MS = 600;

export class Browse extends EventTarget {
  query = { status: "all", search: "", sort: "created", order: "desc" };
  /** "idle", "loading", "ready" or "error". */
  state = "idle";
  error = null;
  nextCursor = null;
  #client;
  #list;
  #request = new AbortController();
  #retry = () => this.load();

  constructor(client, list) {
    super();
    this.#client = client;
    this.#list = list;
    list.addEventListener("entry", ({ detail }) => this.#removeLater(detail));
  }

  setQuery(part) {
    this.query = { ...this.query, ...part };
    return this.load();
  }

  load() {
    this.#retry = () => this.load();
    this.nextCursor = null;
    return this.#loadPage((tasks, requestedAt) => this.#list.replaceAll(tasks, requestedAt));
  }

  loadMore() {
    this.#retry = () => this.loadMore();
    return this.#loadPage((tasks) => this.#list.append(tasks));
  }

  retry() {
    return this.#retry();
  }

  /** Aborts the request; for the end of a session. */
  stop() {
    this.#request.abort();
    this.#setState("idle");
  }

  /** Loads a page and gives its tasks to `show`, which returns the new entries. Null if loading failed. */
  async #loadPage(show) {
    this.#request.abort();
    const { signal } = (this.#request = new AbortController());
    const requestedAt = performance.now();
    this.#setState("loading");
    try {
      const { tasks, nextCursor } = await this.#client.list(this.#parameters(), this.nextCursor, signal);
      this.nextCursor = nextCursor;
      const fresh = show(tasks, requestedAt);
      this.#setState("ready");
      return fresh;
    } catch (error) {
      if (error.name !== "AbortError") this.#setState(error.status === 401 ? "idle" : "error", error);
      return null;
    }
  }

  #parameters() {
    const { search, ...rest } = this.query;
    return search === "" ? rest : { ...rest, search };
  }

  #setState(state, error = null) {
    this.state = state;
    this.error = error;
    this.dispatchEvent(new Event("change"));
  }

  /** A task that no longer matches the filter stays visible for a moment, so that its tick is seen. */
  #removeLater(entry) {
    if (this.#belongs(entry)) return;
    setTimeout(() => {
      if (!this.#belongs(entry)) this.#list.drop(entry);
    }, REMOVAL_DELAY_MS);
  }

  #belongs(entry) {
    const { status } = this.query;
    return entry.isBusy || entry.error || status === "all" || entry.shown.completed === (status === "completed");
  }
}

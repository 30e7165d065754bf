/**
 * Which tasks are listed: filter, search and sort, page after page by cursor.
 * Only the newest question counts: asking anew drops the answer to the one before. Fires "change".
 */

const LEAVING_MS = 600;

export class Browse extends EventTarget {
  query = { status: "all", search: "", sort: "created", order: "desc" };
  /** "idle", "loading", "ready" or "error". */
  state = "idle";
  error = null;
  nextCursor = null;
  #client;
  #list;
  #asking = new AbortController();
  #again = () => this.load();

  constructor(client, list) {
    super();
    this.#client = client;
    this.#list = list;
    list.addEventListener("entry", ({ detail }) => this.#leaveLater(detail));
  }

  /** True where some tasks are left out of the list on purpose. */
  get isNarrowed() {
    return this.query.status !== "all" || this.query.search !== "";
  }

  ask(part) {
    this.query = { ...this.query, ...part };
    return this.load();
  }

  load() {
    this.#again = () => this.load();
    this.nextCursor = null;
    return this.#page((tasks, askedAt) => this.#list.replaceAll(tasks, askedAt));
  }

  more() {
    this.#again = () => this.more();
    return this.#page((tasks) => this.#list.append(tasks));
  }

  tryAgain() {
    return this.#again();
  }

  /** Forgets list and question, for the next user. */
  stop() {
    this.#asking.abort();
    this.#set("idle");
  }

  async #page(take) {
    this.#asking.abort();
    const { signal } = (this.#asking = new AbortController());
    const askedAt = performance.now();
    this.#set("loading");
    try {
      const { tasks, nextCursor } = await this.#client.list(this.#parameters(), this.nextCursor, signal);
      this.nextCursor = nextCursor;
      const fresh = take(tasks, askedAt);
      this.#set("ready");
      return fresh;
    } catch (error) {
      if (error.name !== "AbortError") this.#set(error.status === 401 ? "idle" : "error", error);
      return null;
    }
  }

  #parameters() {
    const { search, ...rest } = this.query;
    return search === "" ? rest : { ...rest, search };
  }

  #set(state, error = null) {
    this.state = state;
    this.error = error;
    this.dispatchEvent(new Event("change"));
  }

  /** A task ticked in the list of pending ones stays long enough to be seen ticked, then leaves it. */
  #leaveLater(entry) {
    if (this.#belongs(entry)) return;
    setTimeout(() => {
      if (!this.#belongs(entry)) this.#list.drop(entry);
    }, LEAVING_MS);
  }

  #belongs(entry) {
    const { status } = this.query;
    return entry.isBusy || entry.error || status === "all" || entry.shown.completed === (status === "completed");
  }
}

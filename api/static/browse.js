/**
 * The list's query (filter, search, sort) and its pages by cursor.
 * A new request aborts the one before. Fires "requested", "change", and "loaded" (`detail` = total) after a first page.
 */
import { systemClock } from "./clock.js";
import { comparison, sortValue } from "./sorting.js";

/** A task that moves or leaves stays for a moment, so that a second click does not meet another task. */
const STAY_MS = 1500;

export class Browse extends EventTarget {
  query = { status: "all", search: "", sort: "created", order: "desc" };
  /** "idle", "loading", "ready" or "error". */
  state = "idle";
  error = null;
  nextCursor = null;
  #client;
  #list;
  #clock;
  #request = new AbortController();
  #retry = () => this.load();
  /** What each entry was sorted by when it was placed. */
  #placed = new WeakMap();
  #unsettled = new Set();
  #cancelSettling = () => {};

  constructor(client, list, clock = systemClock) {
    super();
    this.#client = client;
    this.#list = list;
    this.#clock = clock;
    list.addEventListener("entry", ({ detail }) => this.#settleLater(detail));
  }

  setQuery(part) {
    this.query = { ...this.query, ...part };
    return this.load();
  }

  load() {
    this.#retry = () => this.load();
    this.nextCursor = null;
    return this.#loadFirst();
  }

  /** Loads again as many tasks as are shown, without a sign of loading. */
  refresh() {
    return this.#loadFirst({ atLeast: this.#list.entries.length, isQuiet: true });
  }

  loadMore() {
    this.#retry = () => this.loadMore();
    return this.#loadPage(this.nextCursor, {}, ({ tasks }) => this.#list.append(tasks));
  }

  retry() {
    return this.#retry();
  }

  /** Aborts the request; for the end of a session. */
  stop() {
    this.#request.abort();
    this.#setState("idle");
  }

  #loadFirst(options = {}) {
    return this.#loadPage(null, options, ({ tasks, total }, requestedAt) => {
      this.#list.replaceAll(tasks, requestedAt);
      this.dispatchEvent(new CustomEvent("loaded", { detail: total }));
    });
  }

  /** Loads a page and gives it to `show`, which returns the new entries. Null if loading failed. */
  async #loadPage(cursor, { atLeast, isQuiet = false }, show) {
    this.#request.abort();
    const { signal } = (this.#request = new AbortController());
    const requestedAt = performance.now();
    this.dispatchEvent(new Event("requested"));
    if (!isQuiet) this.#setState("loading");
    try {
      const page = await this.#client.list(this.#parameters(), cursor, { atLeast, signal });
      this.nextCursor = page.nextCursor;
      const fresh = show(page, requestedAt);
      for (const entry of this.#list.entries) this.#notePlace(entry);
      this.#setState("ready");
      return fresh;
    } catch (error) {
      if (error.name !== "AbortError") this.#setState("error", error);
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

  /** Moves or removes changed entries once nothing has changed for a moment. */
  #settleLater(entry) {
    this.#unsettled.add(entry);
    this.#cancelSettling();
    this.#cancelSettling = this.#clock.after(STAY_MS, () => {
      const entries = [...this.#unsettled].filter((each) => this.#list.has(each));
      this.#unsettled.clear();
      for (const each of entries) this.#settle(each);
    });
  }

  #settle(entry) {
    if (!this.#belongs(entry)) return this.#list.drop(entry);
    const hasMoved = entry.task && this.#placed.has(entry) && this.#placed.get(entry) !== this.#sortValue(entry);
    if (!hasMoved || entry.isBusy) return undefined;
    this.#notePlace(entry);
    return this.#list.move(entry, comparison(this.query));
  }

  /** Puts an entry into the list where it belongs: one that was ticked, has left, and is ticked off again. */
  place(entry) {
    this.#list.raise(entry);
    if (!entry.task) return;
    this.#notePlace(entry);
    this.#list.move(entry, comparison(this.query));
  }

  #notePlace(entry) {
    if (entry.task) this.#placed.set(entry, this.#sortValue(entry));
  }

  #sortValue(entry) {
    return sortValue(entry.task, this.query.sort);
  }

  #belongs(entry) {
    const { status } = this.query;
    return entry.isBusy || entry.error || status === "all" || entry.shown.completed === (status === "completed");
  }
}

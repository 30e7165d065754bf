/** The controls for filter, search and sort, and the number of tasks of each filter. */
import { byId } from "./dom.js";

const TYPING_PAUSE_MS = 200;

export class Controls {
  #browse;
  #list;
  #announcer;
  #typingTimer;
  #filters = byId("filters");
  #search = byId("search");
  #sort = byId("sort");

  constructor({ browse, list, announcer }) {
    this.#browse = browse;
    this.#list = list;
    this.#announcer = announcer;
    this.#filters.addEventListener("change", () => this.#apply());
    this.#sort.addEventListener("change", () => this.#apply());
    this.#search.addEventListener("input", () => {
      clearTimeout(this.#typingTimer);
      this.#typingTimer = setTimeout(() => this.#apply(), TYPING_PAUSE_MS);
    });
    byId("clear-search").addEventListener("click", () => {
      this.#search.value = "";
      this.#search.focus();
      this.#apply();
    });
    for (const form of [this.#filters, byId("find")]) {
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        this.#apply();
      });
    }
  }

  /** Leaves the filter "completed", which would hide a new task. */
  includePending() {
    if (this.#browse.query.status !== "completed") return;
    this.#filters.elements.status.value = "all";
    this.#apply();
  }

  reset() {
    this.#filters.reset();
    byId("find").reset();
    this.#browse.query = this.#query();
    this.showCounts(null);
  }

  showCounts(counts) {
    for (const element of this.#filters.querySelectorAll("[data-count]")) {
      element.textContent = counts ? counts[element.dataset.count].toLocaleString("en") : "";
    }
    const share = counts && counts.all > 0 ? counts.completed / counts.all : 0;
    byId("progress").setAttribute("width", String(100 * share));
  }

  async #apply() {
    clearTimeout(this.#typingTimer);
    await this.#browse.setQuery(this.#query());
    if (this.#browse.state === "ready") this.#announcer.say(this.#summary());
  }

  #query() {
    const [sort, order] = this.#sort.value.split(" ");
    return { status: this.#filters.elements.status.value, search: this.#search.value.trim(), sort, order };
  }

  #summary() {
    const { length } = this.#list.entries;
    if (this.#browse.nextCursor !== null) return `${length} tasks shown, more can be loaded.`;
    return length === 1 ? "1 task." : `${length === 0 ? "No" : length} tasks.`;
  }
}

/** The controls for filter, search and sort, in step with the URL; and the number of tasks of each filter. */
import { Address } from "./address.js";
import { byId } from "./dom.js";
import { apiQueryOf } from "./views.js";

const TYPING_PAUSE_MS = 200;

export class Controls {
  #browse;
  #typingTimer;
  #filters = byId("filters");
  #search = byId("search");
  #sort = byId("sort");
  #address;

  constructor(browse, device) {
    this.#browse = browse;
    this.#address = new Address(device, (view) => {
      this.#fill(view);
      this.#load();
    });
    this.#fill(this.#address.view);
    browse.query = apiQueryOf(this.#address.view);
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

  /** Forgets what belongs to a user: the searched words and the numbers. */
  reset() {
    this.#address.endPart();
    this.#fill(this.#address.view);
    this.#browse.query = apiQueryOf(this.#address.view);
    this.showCounts(null);
  }

  showCounts(counts) {
    for (const element of this.#filters.querySelectorAll("[data-count]")) {
      element.textContent = counts ? counts[element.dataset.count].toLocaleString("en") : "";
    }
    const share = counts && counts.all > 0 ? counts.completed / counts.all : 0;
    byId("progress").setAttribute("width", String(100 * share));
  }

  #apply() {
    clearTimeout(this.#typingTimer);
    this.#address.go({
      status: this.#filters.elements.status.value,
      sort: this.#sort.value,
      search: this.#search.value.trim(),
    });
    this.#load();
  }

  #fill({ status, sort, search }) {
    this.#filters.elements.status.value = status;
    this.#sort.value = sort;
    this.#search.value = search;
  }

  #load() {
    const query = apiQueryOf(this.#address.view);
    if (byId("work").hidden) this.#browse.query = query;
    else this.#browse.setQuery(query);
  }
}

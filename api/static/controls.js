/** Filter, search and sort: what their controls ask of the list, and how many tasks each filter holds. */

const TYPING_MS = 200;
const byId = (id) => document.getElementById(id);

export class Controls {
  #browse;
  #list;
  #announcer;
  #typing;
  #filters = byId("filters");
  #search = byId("search");
  #sort = byId("sort");

  constructor({ browse, list, announcer }) {
    this.#browse = browse;
    this.#list = list;
    this.#announcer = announcer;
    this.#filters.addEventListener("change", () => this.#ask());
    this.#sort.addEventListener("change", () => this.#ask());
    this.#search.addEventListener("input", () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#ask(), TYPING_MS);
    });
    byId("clear-search").addEventListener("click", () => {
      this.#search.value = "";
      this.#search.focus();
      this.#ask();
    });
    for (const form of [this.#filters, byId("find")]) {
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        this.#ask();
      });
    }
  }

  /** A new task is pending: a list of completed ones would not show it. */
  makeRoomForNew() {
    if (this.#browse.query.status !== "completed") return;
    this.#filters.elements.status.value = "all";
    this.#ask();
  }

  reset() {
    this.#filters.reset();
    byId("find").reset();
    this.#browse.query = this.#query();
    this.showCounts(null);
  }

  showCounts(counts) {
    for (const place of this.#filters.querySelectorAll("[data-count]")) {
      place.textContent = counts ? counts[place.dataset.count].toLocaleString("en") : "";
    }
    const share = counts && counts.all > 0 ? counts.completed / counts.all : 0;
    byId("progress").setAttribute("width", String(100 * share));
  }

  async #ask() {
    clearTimeout(this.#typing);
    const answered = this.#browse.ask(this.#query());
    await answered;
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

/** Keeps the numbers true: asks again, at most one question at a time, when something may have changed. */
export class Counter {
  #client;
  #show;
  #running = false;
  #wanted = false;

  constructor(client, show) {
    this.#client = client;
    this.#show = show;
  }

  async refresh() {
    this.#wanted = true;
    if (this.#running) return;
    this.#running = true;
    while (this.#wanted) {
      this.#wanted = false;
      try {
        this.#show(await this.#client.counts());
      } catch {
        // The numbers are an extra: whatever is wrong, the list says so.
      }
    }
    this.#running = false;
  }
}

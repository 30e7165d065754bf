/** The list on the page: rows kept in step with the tasks, and what stands there while or when there are none. */
import { Row } from "/static/row.js";

const byId = (id) => document.getElementById(id);

const EMPTY = {
  all: ["Nothing to do.", "Write down the first thing above."],
  pending: ["All done.", "Everything you wrote down is ticked off."],
  completed: ["Nothing ticked off yet.", "Completed tasks gather here."],
};

export class ListView {
  #list;
  #browse;
  #writes;
  #announcer;
  #rows = new Map();
  #element = byId("tasks");
  #more = byId("load-more");

  constructor({ list, browse, writes, announcer }) {
    this.#list = list;
    this.#browse = browse;
    this.#writes = writes;
    this.#announcer = announcer;
    list.addEventListener("order", () => this.#arrange());
    list.addEventListener("entry", ({ detail }) => this.#update(detail));
    browse.addEventListener("change", () => this.#showState());
    byId("list-retry").addEventListener("click", () => browse.tryAgain());
    this.#more.addEventListener("click", () => this.#loadMore());
  }

  /** After midnight "tomorrow" is today. */
  refresh() {
    for (const row of this.#rows.values()) row.update();
  }

  #arrange() {
    this.#keepFocus(() => {
      const staying = new Set(this.#list.entries);
      for (const [entry, row] of this.#rows) {
        if (staying.has(entry)) continue;
        row.element.remove();
        this.#rows.delete(entry);
      }
      let place = this.#element.firstElementChild;
      for (const entry of this.#list.entries) {
        const { element } = this.#rowFor(entry);
        if (element === place) place = place.nextElementSibling;
        else this.#element.insertBefore(element, place);
      }
    });
    this.#showState();
  }

  #rowFor(entry) {
    if (!this.#rows.has(entry)) this.#rows.set(entry, new Row(entry, this.#writes));
    const row = this.#rows.get(entry);
    row.update();
    return row;
  }

  #update(entry) {
    this.#keepFocus(() => this.#rows.get(entry)?.update());
    this.#showState();
  }

  /** A row that goes takes nobody's place away: the focus moves to the row that takes its place. */
  #keepFocus(change) {
    const place = this.#visibleRows().findIndex(({ element }) => element.contains(document.activeElement));
    change();
    const left = this.#visibleRows();
    // Asked of the rows, for what was just hidden has the focus until the next frame.
    if (place < 0 || left.some(({ element }) => element.contains(document.activeElement))) return;
    if (left.length > 0) left[Math.min(place, left.length - 1)].focus();
    else byId("new-title").focus();
  }

  /** As they stand on the page, which is a step behind the list while it is being arranged. */
  #visibleRows() {
    const rows = new Map(Array.from(this.#rows.values(), (row) => [row.element, row]));
    return Array.from(this.#element.children, (element) => rows.get(element)).filter(({ element }) => !element.hidden);
  }

  async #loadMore() {
    const fresh = await this.#browse.more();
    if (!fresh) return;
    this.#announcer.say(`${fresh.length} more tasks loaded.`);
    if (this.#browse.nextCursor === null && fresh.length > 0) this.#rows.get(fresh[0])?.focus();
  }

  #showState() {
    const { state, error, nextCursor } = this.#browse;
    const rows = this.#visibleRows().length;
    this.#element.setAttribute("aria-busy", String(state === "loading"));
    byId("skeleton").hidden = !(state === "loading" && rows === 0);
    byId("list-error").hidden = state !== "error";
    byId("list-error-message").textContent = error?.message ?? "";
    this.#more.hidden = nextCursor === null;
    this.#showEmpty(state === "ready" && rows === 0 && nextCursor === null);
  }

  #showEmpty(isEmpty) {
    const { status, search } = this.#browse.query;
    const [title, hint] = search === "" ? EMPTY[status] : [`Nothing found for “${search}”.`, "Every word has to stand in the title or the description."];
    byId("empty").hidden = !isEmpty;
    byId("empty-title").textContent = title;
    byId("empty-hint").textContent = hint;
    byId("clear-search").hidden = search === "";
  }
}

/** The list on the page: one row for each task; a skeleton while loading; a message if the list is empty or failed. */
import { byId } from "./dom.js";
import { Row } from "./row.js";

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
    byId("list-retry").addEventListener("click", () => browse.retry());
    this.#more.addEventListener("click", () => this.#loadMore());
  }

  focus(entry) {
    this.#rows.get(entry)?.focus();
  }

  /** Updates the relative dates, such as "tomorrow" after midnight. */
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
      let next = this.#element.firstElementChild;
      for (const entry of this.#list.entries) {
        const { element } = this.#rowFor(entry);
        if (element === next) next = next.nextElementSibling;
        else this.#element.insertBefore(element, next);
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

  /** If `change` removes the focused row, focuses the row that replaces it. */
  #keepFocus(change) {
    const focused = document.activeElement;
    const index = this.#visibleRows().findIndex(({ element }) => element.contains(document.activeElement));
    change();
    const rows = this.#visibleRows();
    // A row that moves loses the focus.
    if (index >= 0 && document.activeElement !== focused && rows.some(({ element }) => element.contains(focused))) focused.focus();
    // document.activeElement alone would not do: a hidden element keeps the focus until the next frame.
    if (index < 0 || rows.some(({ element }) => element.contains(document.activeElement))) return;
    if (rows.length > 0) rows[Math.min(index, rows.length - 1)].focus();
    else byId("new-title").focus();
  }

  /** The rows in the order of the page, which differs from the list's while #arrange runs. */
  #visibleRows() {
    const rows = new Map(Array.from(this.#rows.values(), (row) => [row.element, row]));
    return Array.from(this.#element.children, (element) => rows.get(element)).filter(({ element }) => !element.hidden);
  }

  async #loadMore() {
    const fresh = await this.#browse.loadMore();
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
    const [title, hint] = search === "" ? EMPTY[status] : [`Nothing found for “${search}”.`, "Every word has to be in the title or the description."];
    byId("empty").hidden = !isEmpty;
    byId("empty-title").textContent = title;
    byId("empty-hint").textContent = hint;
    byId("clear-search").hidden = search === "";
  }
}

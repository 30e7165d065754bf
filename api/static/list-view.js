/**
 * The list on the page: one row for each task, under headings if the list is sorted by due date; a skeleton while
 * loading; a message if the list is empty or failed.
 */
import { dueGroup } from "./dates.js";
import { byId } from "./dom.js";
import { Row } from "./row.js";
import { Section } from "./section.js";

/* In the order of the page. "tasks" is the list without headings. */
const GROUPS = {
  tasks: null,
  overdue: "Overdue",
  today: "Today",
  tomorrow: "Tomorrow",
  later: "Later",
  none: "No date",
  completed: "Completed",
};

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
  #rowOf = new WeakMap();
  #sections = new Map();
  /** The query whose result was announced last. Loading it again is announced only if that was asked for. */
  #announced = null;
  #hasCompleted = false;
  #lastFocused = null;
  #element = byId("tasks");
  #more = byId("load-more");

  constructor({ list, browse, writes, announcer }) {
    this.#list = list;
    this.#browse = browse;
    this.#writes = writes;
    this.#announcer = announcer;
    this.#element.addEventListener("focusin", ({ target }) => {
      this.#lastFocused = target;
    });
    list.addEventListener("order", () => this.#arrange());
    list.addEventListener("entry", ({ detail }) => this.#update(detail));
    browse.addEventListener("change", () => {
      this.#showState();
      this.#announce();
    });
    byId("list-retry").addEventListener("click", () => browse.retry());
    this.#more.addEventListener("click", () => this.#loadMore());
  }

  focus(entry) {
    this.#rows.get(entry)?.focus();
  }

  /** A list without pending tasks may be new, or done. */
  showCounts(counts) {
    this.#hasCompleted = Boolean(counts?.completed);
    this.#showState();
  }

  /** Updates what depends on the time: "tomorrow" after midnight, and a due time that has passed. */
  refresh() {
    for (const row of this.#rows.values()) row.updateDue();
    if (this.#isGrouped) this.#arrange();
  }

  /** The row that has the focus, or null. */
  get current() {
    return this.#rowOf.get(document.activeElement?.closest(".row")) ?? null;
  }

  /** Focuses the row that is `distance` rows below the current one; without one, the first or the last. */
  step(distance) {
    const rows = this.#visibleRows();
    const index = rows.indexOf(this.current);
    const target = index < 0 && distance < 0 ? rows.length : index + distance;
    rows[Math.max(0, Math.min(target, rows.length - 1))]?.focus();
  }

  get #isGrouped() {
    const { sort, status } = this.#browse.query;
    return sort === "due_date" && status !== "completed";
  }

  #groupOf({ shown }) {
    if (!this.#isGrouped) return "tasks";
    // Under "Pending" a task that was just ticked stays where it is until it leaves.
    if (shown.completed && this.#browse.query.status === "all") return "completed";
    return dueGroup(shown.due_date);
  }

  #arrange() {
    this.#keepFocus(() => {
      this.#removeOldRows();
      const groups = new Map(Object.keys(GROUPS).map((name) => [name, []]));
      for (const entry of this.#list.entries) groups.get(this.#place(entry)).push(this.#rows.get(entry).element);
      for (const [name, elements] of groups) this.#showSection(name, elements);
    });
    this.#showState();
  }

  #removeOldRows() {
    const staying = new Set(this.#list.entries);
    for (const [entry, row] of this.#rows) {
      if (staying.has(entry)) continue;
      row.element.remove();
      this.#rows.delete(entry);
    }
  }

  /** Draws the row of an entry if it changed. Returns its group. */
  #place(entry) {
    const row = this.#rows.get(entry) ?? this.#addRow(entry);
    const group = this.#groupOf(entry);
    row.update();
    if (row.group !== group) row.element.remove();
    row.group = group;
    return group;
  }

  #addRow(entry) {
    const row = new Row(entry, this.#writes);
    this.#rows.set(entry, row);
    this.#rowOf.set(row.element, row);
    return row;
  }

  #showSection(name, elements) {
    if (!this.#sections.has(name)) {
      if (elements.length === 0) return;
      const section = new Section(name, GROUPS[name]);
      const names = Object.keys(GROUPS);
      const next = names.slice(names.indexOf(name)).find((other) => this.#sections.has(other));
      this.#element.insertBefore(section.element, this.#sections.get(next)?.element ?? null);
      this.#sections.set(name, section);
    }
    this.#sections.get(name).arrange(elements);
  }

  #update(entry) {
    const row = this.#rows.get(entry);
    if (!row) return;
    if (row.group !== this.#groupOf(entry)) return this.#arrange();
    this.#keepFocus(() => row.update());
    this.#sections.get(row.group).showIfUsed();
    return this.#showState();
  }

  /** If `change` moves the focused row, it keeps the focus; if it removes it, the row that replaces it gets the focus. */
  #keepFocus(change) {
    const row = this.current;
    const index = row ? this.#visibleRows().indexOf(row) : -1;
    change();
    if (!row) return;
    const rows = this.#visibleRows();
    // document.activeElement alone would not do: a hidden element keeps the focus until the next frame.
    if (rows.some(({ element }) => element.contains(document.activeElement))) return;
    if (rows.includes(row)) row.focus(this.#lastFocused);
    else if (rows.length > 0) rows[Math.min(index, rows.length - 1)].focus();
    else byId("new-title").focus();
  }

  #visibleRows() {
    return Array.from(this.#element.querySelectorAll(".row:not([hidden])"), (element) => this.#rowOf.get(element));
  }

  async #loadMore() {
    const fresh = await this.#browse.loadMore();
    if (!fresh) return;
    this.#announcer.say(`${fresh.length} more tasks loaded.`);
    if (this.#browse.nextCursor === null && fresh.length > 0) this.#rows.get(fresh[0])?.focus();
  }

  #showState() {
    const { state, error, nextCursor } = this.#browse;
    const isEmpty = this.#element.querySelector(".row:not([hidden])") === null;
    this.#element.setAttribute("aria-busy", String(state === "loading"));
    byId("skeleton").hidden = !(state === "loading" && isEmpty);
    byId("colophon").classList.toggle("is-waiting", state === "loading" && isEmpty);
    byId("list-error").hidden = state !== "error";
    byId("list-error-message").textContent = error?.message ?? "";
    this.#more.hidden = nextCursor === null;
    this.#showEmpty(state === "ready" && isEmpty && nextCursor === null);
  }

  #showEmpty(isEmpty) {
    const { status, search } = this.#browse.query;
    const texts = EMPTY[status === "pending" && !this.#hasCompleted ? "all" : status];
    const [title, hint] = search === "" ? texts : [`Nothing found for “${search}”.`, "Every word has to be in the title or the description."];
    byId("empty").hidden = !isEmpty;
    byId("empty-title").textContent = title;
    byId("empty-hint").textContent = hint;
    byId("clear-search").hidden = search === "";
  }

  #announce() {
    const { state, query, nextCursor } = this.#browse;
    if (query === this.#announced) return;
    if (state === "loading" && !byId("skeleton").hidden) this.#announcer.say("Loading your tasks…");
    if (state !== "ready") return;
    this.#announced = query;
    const { length } = this.#list.entries;
    const count = length === 1 ? "1 task" : `${length === 0 ? "No" : length} tasks`;
    this.#announcer.say(nextCursor === null ? `${count}.` : `${count} shown, more can be loaded.`);
  }
}

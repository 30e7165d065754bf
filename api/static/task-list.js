/**
 * The tasks on the page, in the list's order. The page shows the confirmed version of each plus its changes, so removing
 * a rejected change undoes it.
 * Fires "order" when rows are added, removed or moved, and "entry" (`detail` = entry) when one changes.
 */
import { Entry } from "./entry.js";

export class TaskList extends EventTarget {
  #entries = new Set();
  /** Entries by the id of their task; entries that are not stored yet are missing. */
  #byTask = new Map();
  #order = [];

  /** Entries from top to bottom. */
  get entries() {
    return this.#order;
  }

  /** All entries, including those that a filter hides. */
  get all() {
    return [...this.#entries];
  }

  /**
   * Shows the first page of a list that was requested at `requestedAt`. Keeps tasks that were added since or
   * are not stored yet, and every open editor, so that a filter loses no typed text.
   */
  replaceAll(tasks, requestedAt) {
    const listed = new Set(tasks.map((task) => this.#entryFor(task)));
    const isKept = (entry) => entry.state.kind === "editing" || !entry.task || entry.addedAt > requestedAt;
    const kept = this.#order.filter((entry) => isKept(entry) && !listed.has(entry));
    this.#order = [...kept, ...listed];
    this.#deleteUnlisted();
    this.#orderChanged();
  }

  /** Appends the next page, without tasks that are already in the list. Returns the new entries. */
  append(tasks) {
    const present = new Set(this.#order);
    const fresh = tasks.map((task) => this.#entryFor(task)).filter((entry) => !present.has(entry));
    this.#order = [...this.#order, ...fresh];
    this.#orderChanged();
    return fresh;
  }

  /** Makes entries visible, at the top if they are not in the list: new tasks, or one with a rejected change. */
  raise(...entries) {
    for (const entry of entries) this.#remember(entry);
    const missing = entries.filter((entry) => !this.#order.includes(entry));
    if (missing.length === 0) return entries.forEach((entry) => this.changed(entry));
    this.#order = [...missing, ...this.#order];
    return this.#orderChanged();
  }

  drop(entry) {
    this.#forget(entry);
    this.#order = this.#order.filter((other) => other !== entry);
    this.#orderChanged();
  }

  clear() {
    this.#entries.clear();
    this.#byTask.clear();
    this.#order = [];
    this.#orderChanged();
  }

  /** Makes an entry whose task was deleted elsewhere one that is not stored yet. */
  unstore(entry) {
    this.#byTask.delete(entry.task.id);
    entry.task = null;
    entry.etag = null;
  }

  changed(entry) {
    if (this.#entries.has(entry)) this.#remember(entry);
    this.dispatchEvent(new CustomEvent("entry", { detail: entry }));
  }

  #entryFor(task) {
    const known = this.#byTask.get(task.id);
    const entry = known ?? new Entry(task);
    if (known && !known.isSaving) known.confirm(task);
    this.#remember(entry);
    return entry;
  }

  #remember(entry) {
    this.#entries.add(entry);
    if (entry.task) this.#byTask.set(entry.task.id, entry);
  }

  #deleteUnlisted() {
    const listed = new Set(this.#order);
    for (const entry of this.#entries) {
      if (!entry.isBusy && !listed.has(entry)) this.#forget(entry);
    }
  }

  #forget(entry) {
    this.#entries.delete(entry);
    if (entry.task) this.#byTask.delete(entry.task.id);
  }

  #orderChanged() {
    this.dispatchEvent(new Event("order"));
  }
}

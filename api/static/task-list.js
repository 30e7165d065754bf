/**
 * The tasks on the page: for each the version that the service confirmed, and the changes not yet confirmed.
 * The page shows the confirmed version plus the changes, so removing a rejected change undoes it.
 * Fires "order" when rows are added, removed or moved, and "entry" (`detail` = entry) when one changes.
 */

let keys = 0;

/** One task and its pending changes. */
export class Entry {
  key = (keys += 1);
  /** The version that the service confirmed; null before the task is stored. */
  task;
  /** The confirmed version's entity tag; null if the task is known from a list only. */
  etag = null;
  /** Changed fields that are not confirmed yet, oldest first. */
  changes = [];
  /** The open editor: `{changes, error, notice}`; null when closed. */
  editing = null;
  /** "shown", "undo" (deleted, can be undone) or "gone" (the DELETE is being sent). */
  phase = "shown";
  error = null;
  /** When the task was added, then stored, on this page (performance.now()); -Infinity for a listed task. */
  addedAt = Number.NEGATIVE_INFINITY;
  /** Sends the writes of one task one after another. */
  queue = Promise.resolve();

  constructor(task = null) {
    this.task = task;
  }

  /** The task as the page shows it: confirmed version and changes. */
  get shown() {
    return Object.assign({ title: "", description: null, due_date: null, completed: false }, this.task, ...this.changes);
  }

  get isBusy() {
    return this.changes.length > 0 || this.editing !== null || this.phase !== "shown";
  }

  confirm(task, etag = null) {
    // A list that was requested earlier may not contain the task.
    if (this.task === null) this.addedAt = performance.now();
    if (etag !== null || task.updated_at !== this.task?.updated_at) this.etag = etag;
    this.task = task;
  }
}

export class TaskList extends EventTarget {
  #entries = new Set();
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
    const listed = tasks.map((task) => this.#entryFor(task));
    const isKept = (entry) => entry.editing || !entry.task || entry.addedAt > requestedAt;
    const kept = this.#order.filter((entry) => isKept(entry) && !listed.includes(entry));
    this.#order = [...kept, ...listed];
    this.#deleteUnlisted();
    this.#orderChanged();
  }

  /** Appends the next page, without tasks that are already in the list. Returns the new entries. */
  append(tasks) {
    const fresh = tasks.map((task) => this.#entryFor(task)).filter((entry) => !this.#order.includes(entry));
    this.#order = [...this.#order, ...fresh];
    this.#orderChanged();
    return fresh;
  }

  /** Makes an entry visible, at the top if it is not in the list: a new task, or one with a rejected change. */
  raise(entry) {
    this.#entries.add(entry);
    if (this.#order.includes(entry)) return this.changed(entry);
    this.#order = [entry, ...this.#order];
    return this.#orderChanged();
  }

  drop(entry) {
    this.#entries.delete(entry);
    this.#order = this.#order.filter((other) => other !== entry);
    this.#orderChanged();
  }

  clear() {
    this.#entries.clear();
    this.#order = [];
    this.#orderChanged();
  }

  changed(entry) {
    this.dispatchEvent(new CustomEvent("entry", { detail: entry }));
  }

  #entryFor(task) {
    const known = this.all.find((entry) => entry.task?.id === task.id);
    const entry = known ?? new Entry(task);
    if (known && known.changes.length === 0) known.confirm(task);
    this.#entries.add(entry);
    return entry;
  }

  #deleteUnlisted() {
    for (const entry of this.#entries) {
      if (!entry.isBusy && !this.#order.includes(entry)) this.#entries.delete(entry);
    }
  }

  #orderChanged() {
    this.dispatchEvent(new Event("order"));
  }
}

/**
 * The tasks the page holds: for each what the service confirmed, and on top of it what is on its way there.
 * What a person sees is always confirmed + changes, so taking a refused change back is leaving it out.
 * Fires "order" when rows come, go or move, and "entry" (`detail` = entry) when one looks different.
 */

let keys = 0;

/** One task and its unfinished business. */
export class Entry {
  key = (keys += 1);
  /** As confirmed by the service; null while it was never stored. */
  task;
  /** Of the confirmed version; null when no single-task answer brought it. */
  etag = null;
  /** Field values on their way, oldest first. */
  changes = [];
  /** The open editor: `{changes, refusal, notice}`; null when closed. */
  editing = null;
  /** "shown", "undo" (deleted, may still be taken back) or "gone" (its deletion is on its way). */
  phase = "shown";
  error = null;
  /** When it was written, then stored, on this page (performance.now()); listed tasks are older than any list. */
  bornAt = Number.NEGATIVE_INFINITY;
  /** Writes of one task go out one after another. */
  queue = Promise.resolve();

  constructor(task = null) {
    this.task = task;
  }

  /** The task as a person should see it now. */
  get shown() {
    return Object.assign({ title: "", description: null, due_date: null, completed: false }, this.task, ...this.changes);
  }

  get isBusy() {
    return this.changes.length > 0 || this.editing !== null || this.phase !== "shown";
  }

  confirm(task, etag = null) {
    // A list that was asked for before this moment may not know the task.
    if (this.task === null) this.bornAt = performance.now();
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

  /** All, those out of sight because of a filter included. */
  get all() {
    return [...this.#entries];
  }

  /**
   * The first page of another list, asked for at `askedAt`. What it cannot know stays: a task added since,
   * or not stored yet; and every open editor, for nothing typed is lost to a filter.
   */
  replaceAll(tasks, askedAt) {
    const listed = tasks.map((task) => this.#entryFor(task));
    const unlisted = (entry) => entry.editing || !entry.task || entry.bornAt > askedAt;
    const kept = this.#order.filter((entry) => unlisted(entry) && !listed.includes(entry));
    this.#order = [...kept, ...listed];
    this.#forgetIdle();
    this.#moved();
  }

  /** The next page; what is here already (created meanwhile) is not listed twice. */
  append(tasks) {
    const fresh = tasks.map((task) => this.#entryFor(task)).filter((entry) => !this.#order.includes(entry));
    this.#order = [...this.#order, ...fresh];
    this.#moved();
    return fresh;
  }

  /** To the top, where the eye is: a new task, or one whose refused change must be seen. */
  raise(entry) {
    this.#entries.add(entry);
    if (this.#order.includes(entry)) return this.changed(entry);
    this.#order = [entry, ...this.#order];
    return this.#moved();
  }

  drop(entry) {
    this.#entries.delete(entry);
    this.#order = this.#order.filter((other) => other !== entry);
    this.#moved();
  }

  clear() {
    this.#entries.clear();
    this.#order = [];
    this.#moved();
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

  #forgetIdle() {
    for (const entry of this.#entries) {
      if (!entry.isBusy && !this.#order.includes(entry)) this.#entries.delete(entry);
    }
  }

  #moved() {
    this.dispatchEvent(new Event("order"));
  }
}

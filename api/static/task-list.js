/**
 * The tasks on the page, in the list's order. The page shows the confirmed version of each plus its changes, so removing
 * a rejected change undoes it.
 * Fires "order" when rows are added, removed or moved, "entry" (`detail` = entry) when one changes, "kept" (`detail`
 * = entry) when only the text typed in its editor changes, and "merged" when two entries turn out to be one task.
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
    const isKept = (entry) => entry.state.kind === "editing" || entry.draft || !entry.task || entry.addedAt > requestedAt;
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
    for (const entry of entries) this.remember(entry);
    const missing = entries.filter((entry) => !this.#order.includes(entry));
    if (missing.length > 0) {
      this.#order = [...missing, ...this.#order];
      this.#orderChanged();
    }
    for (const entry of entries) this.changed(entry);
  }

  /** Moves a stored entry to where it belongs by `compare`, which compares tasks. Tasks added on this page stay on top. */
  move(entry, compare) {
    const others = this.#order.filter((other) => other !== entry);
    const isAfter = ({ task, addedAt }) => task && addedAt === Number.NEGATIVE_INFINITY && compare(entry.task, task) < 0;
    const index = others.findIndex(isAfter);
    others.splice(index < 0 ? others.length : index, 0, entry);
    if (others.every((other, place) => other === this.#order[place])) return;
    this.#order = others;
    this.#orderChanged();
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

  /** The entry of a task that a page before knew; a new one if this page does not know it. It may be in no list. */
  adopt(task, etag) {
    const entry = (task && this.#byTask.get(task.id)) ?? new Entry(task, etag);
    if (!task) entry.addedAt = performance.now();
    this.remember(entry);
    return entry;
  }

  has(entry) {
    return this.#entries.has(entry);
  }

  /** Makes an entry whose task was deleted elsewhere one that is not stored yet. */
  unstore(entry) {
    if (entry.task) this.#byTask.delete(entry.task.id);
    entry.task = null;
    entry.etag = null;
  }

  changed(entry) {
    if (this.#entries.has(entry)) this.remember(entry);
    this.dispatchEvent(new CustomEvent("entry", { detail: entry }));
  }

  kept(entry) {
    this.dispatchEvent(new CustomEvent("kept", { detail: entry }));
  }

  #entryFor(task) {
    const known = this.#byTask.get(task.id);
    const entry = known ?? new Entry(task);
    if (known && !known.isSaving && !isOlder(task, known.task)) known.confirm(task);
    this.remember(entry);
    return entry;
  }

  /** Knows an entry without showing it: one that has left the list may get another write. */
  remember(entry) {
    this.#entries.add(entry);
    if (!entry.task) return;
    const twin = this.#byTask.get(entry.task.id);
    this.#byTask.set(entry.task.id, entry);
    if (twin && twin !== entry) this.#merge(entry, twin);
  }

  /** A list came before the response to the create of one of its tasks. Keeps the entry that somebody works on. */
  #merge(entry, twin) {
    const [kept, other] = twin.isBusy && !entry.isBusy ? [twin, entry] : [entry, twin];
    this.#byTask.set(kept.task.id, kept);
    this.drop(other);
    this.dispatchEvent(new Event("merged"));
  }

  #deleteUnlisted() {
    const listed = new Set(this.#order);
    for (const entry of this.#entries) {
      if (!entry.isBusy && !listed.has(entry)) this.#forget(entry);
    }
  }

  #forget(entry) {
    this.#entries.delete(entry);
    if (entry.task && this.#byTask.get(entry.task.id) === entry) this.#byTask.delete(entry.task.id);
  }

  #orderChanged() {
    this.dispatchEvent(new Event("order"));
  }
}

/** A list that was requested before a write may come after the write's response. */
function isOlder(task, known) {
  return Date.parse(task.updated_at) < Date.parse(known.updated_at);
}

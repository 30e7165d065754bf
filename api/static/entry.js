/** One task on the page: the version that the service confirmed, the writes not yet confirmed, and one state. */
import { conflictOf } from "./conflicts.js";

let keys = 0;

/** States of an entry. Exactly one holds; `kind` names it. */
export const State = {
  /**
   * A row. `error` is the reason why a tick or a deletion was rejected. `draft` has the fields typed in an editor that was
   * left; it and `conflict` are null without one.
   */
  shown: ({ error = null, draft = null, conflict = null } = {}) => ({ kind: "shown", error, draft, conflict }),
  /**
   * An open editor. `changes` has the typed fields; `error` and `notice` explain why it is open.
   * `conflict` maps each field that was typed here and changed elsewhere to the value from elsewhere, or is null.
   */
  editing: (changes = {}, { error = null, notice = null, conflict = null } = {}) => ({
    kind: "editing", changes, error, notice, conflict,
  }),
  /** Deleted, can be undone; `before` is the state to go back to. */
  deleted: (before) => ({ kind: "deleted", before }),
  /** The DELETE is being sent. */
  removing: () => ({ kind: "removing" }),
};

export class Entry {
  key = (keys += 1);
  /** The version that the service confirmed; null before the task is stored. */
  task;
  /** The confirmed version's entity tag; null if the task is known from a list only. */
  etag = null;
  /**
   * Writes that are not confirmed yet, oldest first: `{kind, fields, key?, since?}`. `kind` is "create", "edit",
   * "complete" or "remove". A create has its Idempotency-Key, and the time of its first attempt (ms since the epoch).
   */
  writes = [];
  state = State.shown();
  /** When the task was added, then stored, on this page (performance.now()); -Infinity for a listed task. */
  addedAt = Number.NEGATIVE_INFINITY;

  constructor(task = null, etag = null) {
    this.task = task;
    this.etag = etag;
  }

  /** The task as the page shows it: confirmed version and changes. */
  get shown() {
    const changes = this.writes.map(({ fields }) => fields);
    return Object.assign({ title: "", description: null, due_date: null, completed: false }, this.task, ...changes);
  }

  /** The version that an editor starts from; null for a task that was never stored. */
  get base() {
    return this.task || this.isSaving ? this.shown : null;
  }

  /** Whether a write of this task is not confirmed yet. */
  get isSaving() {
    return this.writes.length > 0;
  }

  /** Whether the page must keep the entry although a list does not contain it. */
  get isBusy() {
    return this.isSaving || this.state.kind !== "shown" || this.state.draft !== null;
  }

  get error() {
    return this.state.kind === "shown" ? this.state.error : null;
  }

  get draft() {
    return this.state.kind === "shown" ? this.state.draft : null;
  }

  /** Takes the service's version of the task. `write` is the write that it confirms, if any. */
  confirm(task, etag = null, write = null) {
    const before = this.shown;
    // A list that was requested earlier may not contain the task.
    if (this.task === null) this.addedAt = performance.now();
    if (etag !== null || task.updated_at !== this.task?.updated_at) this.etag = etag;
    this.task = task;
    this.settle(write);
    const typed = this.state.kind === "editing" ? this.state.changes : this.draft;
    const conflict = typed && conflictOf(before, this.shown, typed);
    if (conflict) this.state.conflict = { ...this.state.conflict, ...conflict };
  }

  settle(write) {
    this.writes = this.writes.filter((other) => other !== write);
  }
}

/** One task on the page: the version that the service confirmed, the writes not yet confirmed, and one state. */

let keys = 0;

/** States of an entry. Exactly one holds; `kind` names it. */
export const State = {
  /** A row. `error` is the reason why a tick or a deletion was rejected; `draft` the fields of an editor that was left. */
  shown: ({ error = null, draft = null } = {}) => ({ kind: "shown", error, draft }),
  /**
   * An open editor. `changes` has the typed fields; `error` and `notice` explain why it is open.
   * `conflict` maps each field that was changed here and elsewhere to the value from elsewhere, or is null.
   */
  editing: (changes = {}, { error = null, notice = null, conflict = null } = {}) => ({
    kind: "editing", changes, error, notice, conflict,
  }),
  /** Deleted, can be undone. */
  deleted: () => ({ kind: "deleted" }),
  /** The DELETE is being sent. */
  removing: () => ({ kind: "removing" }),
};

export class Entry {
  key = (keys += 1);
  /** The version that the service confirmed; null before the task is stored. */
  task;
  /** The confirmed version's entity tag; null if the task is known from a list only. */
  etag = null;
  /** Changed fields that are not confirmed yet, oldest first. */
  changes = [];
  state = State.shown();
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

  /** Whether a write of this task is not confirmed yet. */
  get isSaving() {
    return this.changes.length > 0;
  }

  /** Whether the page must keep the entry although a list does not contain it. */
  get isBusy() {
    return this.isSaving || this.state.kind !== "shown" || this.state.draft !== null;
  }

  get error() {
    return this.state.kind === "shown" ? this.state.error : null;
  }

  confirm(task, etag = null) {
    // A list that was requested earlier may not contain the task.
    if (this.task === null) this.addedAt = performance.now();
    if (etag !== null || task.updated_at !== this.task?.updated_at) this.etag = etag;
    this.task = task;
  }
}

/**
 * Sends the writes of an entry, one after another. A rejected write is undone.
 * A rejected text is not lost: it returns to an editor, with the error messages at its fields.
 */
import { describeError } from "./api.js";
import { conflictOf, hasFields } from "./conflicts.js";
import { State } from "./entry.js";
import { systemClock } from "./clock.js";

const CHANGED_ELSEWHERE = "This task was changed elsewhere. Your changes are below; saving applies them to its newest version.";
const DELETED_ELSEWHERE = "This task was deleted elsewhere. Saving adds it again.";

/** Fires "settled" after each write, successful or not: `detail` is `{kind, before, after}`, with null for no task. */
export class Sender extends EventTarget {
  #client;
  #list;
  #announcer;
  #clock;
  #sending = new WeakSet();
  #versions = new WeakMap();

  constructor(client, list, announcer, clock = systemClock) {
    super();
    this.#client = client;
    this.#list = list;
    this.#announcer = announcer;
    this.#clock = clock;
  }

  /** Adds a write to an entry, shows it at once, and sends it. */
  write(entry, write) {
    this.#list.remember(entry);
    entry.writes.push(write);
    if (entry.error) entry.state = State.shown({ ...entry.state, error: null });
    this.#list.changed(entry);
    this.send(entry);
  }

  /** Sends what waits. Stops if the entry leaves the page, as all do when another person logs in. */
  async send(entry) {
    if (this.#sending.has(entry)) return;
    this.#sending.add(entry);
    try {
      while (entry.isSaving && this.#list.has(entry)) await this.#sendNext(entry, entry.writes[0]);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    } finally {
      this.#sending.delete(entry);
    }
  }

  /** Fetches the entity tag of a task that is known from a list only, and shows its newest version. */
  async fetchVersion(entry) {
    if (!entry.task || entry.etag) return;
    const { task, etag } = await this.#find(entry);
    // A write that was begun meanwhile compares the versions itself.
    if (entry.etag || !entry.task || entry.isSaving) return;
    entry.confirm(task, etag);
    this.#list.changed(entry);
  }

  /** Opens an editor with text that is not stored. Text that was typed since is kept. */
  reopen(entry, fields, { error = null, notice = null, conflict = null }) {
    const typed = entry.state.kind === "editing" ? entry.state.changes : entry.draft;
    entry.state = State.editing({ ...fields, ...typed }, { error, notice, conflict });
    this.#list.raise(entry);
    this.#announcer.alert(notice ?? `Not saved. ${describeError(error)}`);
  }

  async #sendNext(entry, write) {
    const before = entry.task;
    try {
      // Without a task its creation was rejected: there is nothing to change.
      if (write.kind === "create" || entry.task) await this.#sendOne(entry, write);
      else entry.settle(write);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      entry.settle(write);
      await this.#reject(entry, write, error);
    }
    this.#list.changed(entry);
    this.dispatchEvent(new CustomEvent("settled", { detail: { kind: write.kind, before, after: entry.task } }));
  }

  async #sendOne(entry, write) {
    const { kind, fields } = write;
    if (kind === "remove") {
      await this.#client.remove(entry.task.id);
      return this.#dropRemoved(entry);
    }
    const stored = await {
      create: () => this.#create(entry, write),
      edit: () => this.#edit(entry, write),
      complete: () => this.#client.setCompleted(entry.task.id, fields.completed),
    }[kind]();
    return stored ? entry.confirm(stored.task, stored.etag, write) : entry.settle(write);
  }

  #create(entry, write) {
    if (write.since === undefined) {
      write.since = this.#clock.now();
      this.#list.changed(entry);
    }
    return this.#client.create(write.fields, write.key);
  }

  /** At most one request at a time for each entry. */
  #find(entry) {
    if (!this.#versions.has(entry)) {
      const finding = this.#client.find(entry.task.id).finally(() => this.#versions.delete(entry));
      this.#versions.set(entry, finding);
    }
    return this.#versions.get(entry);
  }

  /** Sends the changed fields on condition that nobody has changed the task since its editor was opened. */
  async #edit(entry, write) {
    if (entry.etag === null) {
      const { task, etag } = await this.#find(entry);
      const conflict = conflictOf(entry.task, task, write.fields);
      entry.confirm(task, etag);
      if (conflict) {
        entry.settle(write);
        this.reopen(entry, write.fields, { notice: CHANGED_ELSEWHERE, conflict });
        return null;
      }
    }
    return this.#client.change(entry.task.id, write.fields, entry.etag);
  }

  #reject(entry, write, error) {
    const isGone = error.status === 404;
    if (write.kind === "remove" && isGone) return this.#dropRemoved(entry);
    if (write.kind === "remove" || write.kind === "complete") return this.#showError(entry, error);
    if (write.kind === "edit" && isGone) return this.#reopenDeleted(entry, write.fields);
    if (write.kind === "edit" && error.status === 412) return this.#reconcile(entry, write.fields);
    return this.reopen(entry, write.fields, { error });
  }

  #dropRemoved(entry) {
    entry.writes = [];
    this.#list.unstore(entry);
    this.#list.drop(entry);
  }

  /** Shows the error of a rejected tick or deletion below the task. */
  #showError(entry, error) {
    const { title } = entry.shown;
    if (error.status === 404) {
      this.#dropRemoved(entry);
      this.#announcer.say(`Already deleted: ${title}`);
      return;
    }
    if (entry.state.kind !== "editing") entry.state = State.shown({ ...entry.state, error: error.message });
    this.#list.raise(entry);
    this.#announcer.alert(`${title}: ${error.message}`);
  }

  #reopenDeleted(entry, changes) {
    const fields = { ...pick(entry.task), ...changes };
    this.#list.unstore(entry);
    this.reopen(entry, fields, { notice: DELETED_ELSEWHERE });
  }

  /** Fetches the newer version after a 412. It may contain the change already, if only the response was lost. */
  async #reconcile(entry, changes) {
    const before = entry.task;
    try {
      const { task, etag } = await this.#client.find(before.id);
      entry.confirm(task, etag);
      if (hasFields(task, changes)) return;
      this.reopen(entry, changes, { notice: CHANGED_ELSEWHERE, conflict: conflictOf(before, task, changes) });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      if (error.status === 404) this.#reopenDeleted(entry, changes);
      else this.reopen(entry, changes, { error });
    }
  }
}

function pick({ title, description, due_date, completed }) {
  return { title, description, due_date, completed };
}

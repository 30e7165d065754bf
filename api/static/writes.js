/**
 * Every write: shown at once, sent after the task's earlier writes, undone if rejected.
 * A rejected text is not lost: it returns to an editor, with the error messages at its fields.
 */
import { describeError, ErrorResponse } from "./api.js";
import { Entry, State } from "./entry.js";

const UNDO_MS = 5000;
const CHANGED_ELSEWHERE = "This task was changed elsewhere. Your changes are below; saving applies them to its newest version.";
const DELETED_ELSEWHERE = "This task was deleted elsewhere. Saving adds it again.";

/** Fires "settled" after each write, successful or not. */
export class Writes extends EventTarget {
  #client;
  #list;
  #announcer;
  #undoTimers = new Map();

  constructor(client, list, announcer) {
    super();
    this.#client = client;
    this.#list = list;
    this.#announcer = announcer;
  }

  create(fields) {
    const entry = new Entry();
    entry.addedAt = performance.now();
    this.#insert(entry, fields);
    this.#list.raise(entry);
    this.#announcer.say(`Added: ${fields.title}`);
  }

  /** Adds several tasks, sent one after another in this order. Returns their entries. */
  createAll(tasks) {
    let queue = Promise.resolve();
    const entries = tasks.map((fields) => {
      const entry = Object.assign(new Entry(), { addedAt: performance.now(), queue });
      this.#insert(entry, fields);
      queue = entry.queue;
      return entry;
    });
    this.#list.raise(...entries);
    this.#announcer.say(`Added ${tasks.length} tasks.`);
    return entries;
  }

  /** Deletes tasks without a time to undo that. */
  removeAll(entries) {
    for (const entry of entries) {
      if (entry.task || entry.isSaving) this.#removeNow(entry);
      else this.#list.drop(entry);
    }
    this.#announcer.say(`Removed ${entries.length} tasks.`);
  }

  /** Opens the editor. Fetches a task that is known from a list only, to get its entity tag. */
  async openEditor(entry) {
    const editing = State.editing();
    entry.state = editing;
    this.#list.changed(entry);
    if (!entry.task || entry.etag) return;
    const before = entry.task;
    try {
      const { task, etag } = await this.#client.find(before.id);
      if (entry.task !== before || entry.isSaving) return;
      entry.confirm(task, etag);
      if (entry.state === editing && task.updated_at !== before.updated_at) this.#list.changed(entry);
    } catch (error) {
      if (!(error instanceof ErrorResponse)) return;
      // The editor works without the entity tag; saving will report the error.
    }
  }

  closeEditor(entry) {
    entry.state = State.shown();
    if (entry.task || entry.isSaving) this.#list.changed(entry);
    else this.#list.drop(entry);
  }

  /** `fields` has the changed fields; for a task that was never stored, all fields. */
  saveEditor(entry, fields) {
    entry.state = State.shown();
    if (!entry.task && !entry.isSaving) this.#insert(entry, fields);
    else if (Object.keys(fields).length > 0) this.#edit(entry, fields);
    this.#list.changed(entry);
  }

  setCompleted(entry, completed) {
    this.#announcer.say(`${completed ? "Completed" : "Not completed"}: ${entry.shown.title}`);
    this.#write(entry, { completed }, {
      send: () => this.#client.setCompleted(entry.task.id, completed),
      onError: (error) => this.#showError(entry, error),
    });
  }

  /** Shows the row as deleted with an undo button, and sends the DELETE when the time to undo is over. */
  remove(entry) {
    entry.state = State.deleted();
    this.releaseUndo(entry);
    this.#list.changed(entry);
    this.#announcer.say(`Deleted: ${entry.shown.title}. Undo is possible while its button has the focus, and for five seconds after.`);
  }

  /** Stops the clock of an undo. `releaseUndo` starts it anew. */
  holdUndo(entry) {
    this.#stopUndo(entry);
  }

  releaseUndo(entry) {
    if (entry.state.kind !== "deleted" || this.#undoTimers.has(entry)) return;
    this.#undoTimers.set(entry, setTimeout(() => this.#removeNow(entry), UNDO_MS));
  }

  undo(entry) {
    this.#stopUndo(entry);
    entry.state = State.shown();
    this.#list.changed(entry);
    this.#announcer.say(`Restored: ${entry.shown.title}`);
  }

  /** Sends waiting deletions at once; for the end of the page or of the session. */
  leave() {
    for (const entry of this.#undoTimers.keys()) this.#stopUndo(entry);
    for (const entry of this.#list.all.filter(({ state, task }) => task && (state.kind === "deleted" || state.kind === "removing"))) {
      this.#client.removeOnLeaving(entry.task.id);
      this.#list.drop(entry);
    }
  }

  /** Whether leaving the page now would lose a write that is not stored yet. */
  get isPending() {
    return this.#list.all.some((entry) => entry.isSaving && entry.state.kind !== "removing");
  }

  #insert(entry, fields) {
    const key = idempotencyKey();
    this.#write(entry, { ...fields }, {
      creates: true,
      send: () => this.#client.create(fields, key),
      onError: (error) => this.#reopen(entry, fields, error),
    });
  }

  #edit(entry, fields) {
    this.#write(entry, fields, {
      send: () => this.#client.change(entry.task.id, fields, entry.etag),
      onError: async (error) => {
        if (error.status === 404) return this.#reopenDeleted(entry, fields);
        if (error.status !== 412) return this.#reopen(entry, fields, error);
        return this.#reconcile(entry, fields);
      },
    });
  }

  #stopUndo(entry) {
    clearTimeout(this.#undoTimers.get(entry));
    this.#undoTimers.delete(entry);
  }

  #removeNow(entry) {
    this.#undoTimers.delete(entry);
    entry.state = State.removing();
    this.#list.changed(entry);
    this.#write(entry, {}, {
      send: async () => {
        await this.#client.remove(entry.task.id);
        this.#list.drop(entry);
        return null;
      },
      onError: (error) => {
        this.#showError(entry, error);
      },
    });
  }

  #write(entry, change, { creates = false, send, onError }) {
    entry.changes.push(change);
    if (entry.error) entry.state = State.shown();
    this.#list.changed(entry);
    const sendAndConfirm = async () => {
      try {
        // Without a task its creation was rejected: there is nothing to change.
        const stored = creates || entry.task ? await send() : null;
        if (stored) entry.confirm(stored.task, stored.etag);
        this.#removeChange(entry, change);
      } catch (error) {
        this.#removeChange(entry, change);
        if (error.name !== "AbortError") await onError(error);
      }
      this.#list.changed(entry);
      this.dispatchEvent(new Event("settled"));
    };
    entry.queue = entry.queue.then(sendAndConfirm);
  }

  #removeChange(entry, change) {
    entry.changes = entry.changes.filter((other) => other !== change);
  }

  /** Shows the error of a rejected tick or deletion below the task. */
  #showError(entry, error) {
    if (error.status === 404) {
      this.#list.drop(entry);
      this.#announcer.say(`Already deleted: ${entry.shown.title}`);
      return;
    }
    entry.state = State.shown({ error: error.message });
    this.#list.raise(entry);
    this.#announcer.alert(`${entry.shown.title}: ${error.message}`);
  }

  #reopen(entry, changes, error, notice = null) {
    this.#stopUndo(entry);
    entry.state = State.editing(changes, { error, notice });
    this.#list.raise(entry);
    this.#announcer.alert(notice ?? `Not saved. ${describeError(error)}`);
  }

  #reopenDeleted(entry, changes) {
    const fields = { ...pick(entry.task), ...changes };
    this.#list.unstore(entry);
    this.#reopen(entry, fields, null, DELETED_ELSEWHERE);
  }

  /** Fetches the newer version after a 412. It may contain the change already, if only the response was lost. */
  async #reconcile(entry, changes) {
    try {
      const { task, etag } = await this.#client.find(entry.task.id);
      entry.confirm(task, etag);
      if (Object.entries(changes).every(([name, value]) => task[name] === value)) return;
      this.#reopen(entry, changes, null, CHANGED_ELSEWHERE);
    } catch (error) {
      if (error.status === 404) this.#reopenDeleted(entry, changes);
      else if (error.name !== "AbortError") this.#reopen(entry, changes, error);
    }
  }
}

function pick({ title, description, due_date, completed }) {
  return { title, description, due_date, completed };
}

/** Not crypto.randomUUID: it needs a secure context, and the page may be served over plain HTTP on a local network. */
function idempotencyKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Every write: shown at once, sent in its task's turn, taken back if refused.
 * A refused text is never lost: it goes back into an editor, with the service's words at its fields.
 */
import { Refusal, spoken } from "/static/api.js";
import { Entry } from "/static/task-list.js";

const UNDO_MS = 5000;
const CHANGED_ELSEWHERE = "This task was changed elsewhere meanwhile. Your changes are below; saving applies them to its newest version.";
const DELETED_ELSEWHERE = "This task was deleted elsewhere meanwhile. Saving adds it again.";

/** Fires "settled" after each write that the service answered. */
export class Writes extends EventTarget {
  #client;
  #list;
  #announcer;
  #undoing = new Map();

  constructor(client, list, announcer) {
    super();
    this.#client = client;
    this.#list = list;
    this.#announcer = announcer;
  }

  create(fields) {
    const entry = new Entry();
    entry.bornAt = performance.now();
    this.#insert(entry, fields);
    this.#list.raise(entry);
    this.#announcer.say(`Added: ${fields.title}`);
  }

  /** Opens the editor; a task known from a list only is asked for, to learn its version. */
  async openEditor(entry) {
    entry.editing = { changes: {}, refusal: null, notice: null };
    entry.error = null;
    this.#list.changed(entry);
    if (!entry.task || entry.etag) return;
    const before = entry.task;
    try {
      const { task, etag } = await this.#client.find(before.id);
      if (entry.task !== before || entry.changes.length > 0) return;
      entry.confirm(task, etag);
      if (entry.editing && task.updated_at !== before.updated_at) this.#list.changed(entry);
    } catch (error) {
      if (!(error instanceof Refusal)) return;
      // The editor stays usable without the version; saving will say what is wrong.
    }
  }

  closeEditor(entry) {
    entry.editing = null;
    if (entry.task || entry.changes.length > 0) this.#list.changed(entry);
    else this.#list.drop(entry);
  }

  /** `fields` holds only what was changed; for a task that was never stored, everything. */
  saveEditor(entry, fields) {
    entry.editing = null;
    if (!entry.task && entry.changes.length === 0) this.#insert(entry, fields);
    else if (Object.keys(fields).length > 0) this.#edit(entry, fields);
    this.#list.changed(entry);
  }

  setCompleted(entry, completed) {
    this.#announcer.say(`${completed ? "Completed" : "Not completed"}: ${entry.shown.title}`);
    this.#write(entry, { completed }, {
      send: () => this.#client.setCompleted(entry.task.id, completed),
      refused: (error) => this.#refusedHere(entry, error),
    });
  }

  /** The row says so and offers to undo; the service is told when the time for that is over. */
  remove(entry) {
    entry.phase = "undo";
    entry.error = null;
    this.#undoing.set(entry, setTimeout(() => this.#removeNow(entry), UNDO_MS));
    this.#list.changed(entry);
    this.#announcer.say(`Deleted: ${entry.shown.title}. Undo is possible for five seconds.`);
  }

  undo(entry) {
    this.#stopUndo(entry);
    entry.phase = "shown";
    this.#list.changed(entry);
    this.#announcer.say(`Restored: ${entry.shown.title}`);
  }

  /** The page or the session goes away: deletions that were waiting are sent at once. */
  leave() {
    for (const entry of this.#undoing.keys()) this.#stopUndo(entry);
    for (const entry of this.#list.all.filter(({ phase, task }) => phase !== "shown" && task)) {
      this.#client.removeOnLeaving(entry.task.id);
      this.#list.drop(entry);
    }
  }

  /** Whether leaving now would lose a write that was not stored yet. */
  get isPending() {
    return this.#list.all.some((entry) => entry.changes.length > 0 && entry.phase === "shown");
  }

  #insert(entry, fields) {
    const key = idempotencyKey();
    this.#write(entry, { ...fields }, {
      creates: true,
      send: () => this.#client.create(fields, key),
      refused: (error) => this.#reopen(entry, fields, error),
    });
  }

  #edit(entry, fields) {
    this.#write(entry, fields, {
      send: () => this.#client.change(entry.task.id, fields, entry.etag),
      refused: async (error) => {
        if (error.status === 404) return this.#becameUnknown(entry, fields);
        if (error.status !== 412) return this.#reopen(entry, fields, error);
        return this.#reconcile(entry, fields);
      },
    });
  }

  #stopUndo(entry) {
    clearTimeout(this.#undoing.get(entry));
    this.#undoing.delete(entry);
  }

  #removeNow(entry) {
    this.#undoing.delete(entry);
    entry.phase = "gone";
    this.#list.changed(entry);
    this.#write(entry, {}, {
      send: async () => {
        await this.#client.remove(entry.task.id);
        this.#list.drop(entry);
        return null;
      },
      refused: (error) => {
        entry.phase = "shown";
        this.#refusedHere(entry, error);
      },
    });
  }

  #write(entry, change, { creates = false, send, refused }) {
    entry.changes.push(change);
    entry.error = null;
    this.#list.changed(entry);
    const turn = async () => {
      try {
        // What was asked of a task whose creation was refused has nothing left to apply to.
        const answer = creates || entry.task ? await send() : null;
        if (answer) entry.confirm(answer.task, answer.etag);
        this.#done(entry, change);
      } catch (error) {
        this.#done(entry, change);
        if (error.name !== "AbortError") await refused(error);
      }
      this.#list.changed(entry);
      this.dispatchEvent(new Event("settled"));
    };
    entry.queue = entry.queue.then(turn);
  }

  #done(entry, change) {
    entry.changes = entry.changes.filter((other) => other !== change);
  }

  /** A tick or a deletion was refused: the task stands as before, with the reason beneath. */
  #refusedHere(entry, error) {
    if (error.status === 404) {
      this.#list.drop(entry);
      this.#announcer.say(`No longer there: ${entry.shown.title}`);
      return;
    }
    entry.error = error.message;
    this.#list.raise(entry);
    this.#announcer.alert(`${entry.shown.title}: ${error.message}`);
  }

  #reopen(entry, changes, refusal, notice = null) {
    this.#stopUndo(entry);
    entry.phase = "shown";
    entry.editing = { changes, refusal, notice };
    this.#list.raise(entry);
    this.#announcer.alert(notice ?? `Not saved. ${spoken(refusal)}`);
  }

  #becameUnknown(entry, changes) {
    const everything = { ...pick(entry.task), ...changes };
    entry.task = null;
    entry.etag = null;
    this.#reopen(entry, everything, null, DELETED_ELSEWHERE);
  }

  /** Another version than ours is stored: fetch it. It may hold our change already, when only the answer was lost. */
  async #reconcile(entry, changes) {
    try {
      const { task, etag } = await this.#client.find(entry.task.id);
      entry.confirm(task, etag);
      if (Object.entries(changes).every(([name, value]) => task[name] === value)) return;
      this.#reopen(entry, changes, null, CHANGED_ELSEWHERE);
    } catch (error) {
      if (error.status === 404) this.#becameUnknown(entry, changes);
      else if (error.name !== "AbortError") this.#reopen(entry, changes, error);
    }
  }
}

function pick({ title, description, due_date, completed }) {
  return { title, description, due_date, completed };
}

/** crypto.randomUUID exists in secure contexts only; the page may be served over plain HTTP on a local network. */
function idempotencyKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

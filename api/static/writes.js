/** What a person does to tasks: each act is shown at once, and sent by sender.js. */
import { ErrorResponse } from "./api.js";
import { systemClock } from "./clock.js";
import { Entry, State } from "./entry.js";
import { randomName } from "./random.js";

const UNDO_MS = 5000;

/** Fires "ticked" after a tick, with `{entry, completed}` as its `detail`. */
export class Writes extends EventTarget {
  #client;
  #list;
  #sender;
  #announcer;
  #clock;
  /** For each entry that is deleted: cancels the timer that ends the time to undo. */
  #undoTimers = new Map();

  constructor({ client, list, sender, announcer, clock = systemClock }) {
    super();
    this.#client = client;
    this.#list = list;
    this.#sender = sender;
    this.#announcer = announcer;
    this.#clock = clock;
  }

  create(fields) {
    const entry = newEntry(fields);
    this.#list.raise(entry);
    this.#sender.send(entry);
    this.#announcer.say(`Added: ${fields.title}`);
  }

  /** Adds several tasks, sent one after another in this order. Returns their entries. */
  createAll(tasks) {
    const entries = tasks.map(newEntry);
    this.#list.raise(...entries);
    this.#sendInOrder(entries);
    this.#announcer.say(`Added ${tasks.length} tasks.`);
    return entries;
  }

  /** Deletes tasks without a time to undo that. */
  removeAll(entries) {
    for (const entry of entries) {
      const isSent = entry.task || entry.writes.some(({ since }) => since !== undefined);
      if (!isSent) entry.writes = [];
      if (isSent) this.#removeNow(entry);
      else this.#list.drop(entry);
    }
    this.#announcer.say(`Removed ${entries.length} tasks.`);
  }

  /** Opens the editor, with the draft if one was kept. */
  async openEditor(entry) {
    entry.state = State.editing({ ...entry.draft }, { conflict: entry.state.conflict });
    this.#list.changed(entry);
    try {
      if (!entry.isSaving) await this.#sender.fetchVersion(entry);
    } catch (error) {
      if (!(error instanceof ErrorResponse) && error.name !== "AbortError") throw error;
      // Saving fetches the version again, and reports the error.
    }
  }

  /** Keeps what is typed in an open editor; `fields` has the changed fields. */
  keepDraft(entry, fields) {
    entry.state.changes = fields;
    this.#list.kept(entry);
  }

  /** Closes the editor and keeps its text as a draft. The editor of a task that was never stored stays open. */
  leaveEditor(entry) {
    if (!entry.base) return;
    const { changes, conflict } = entry.state;
    entry.state = Object.keys(changes).length > 0 ? State.shown({ draft: changes, conflict }) : State.shown();
    this.#list.changed(entry);
  }

  /** Closes the editor, or removes the draft, without saving. */
  discardDraft(entry) {
    entry.state = State.shown();
    if (entry.base) this.#list.changed(entry);
    else this.#list.drop(entry);
  }

  /** `fields` has the changed fields; for a task that was never stored, all fields. */
  saveEditor(entry, fields) {
    entry.state = State.shown();
    if (!entry.base) this.#sender.write(entry, creation(fields));
    else if (Object.keys(fields).length > 0) this.#sender.write(entry, { kind: "edit", fields });
    this.#list.changed(entry);
  }

  setCompleted(entry, completed) {
    this.#announcer.say(`${completed ? "Completed" : "Not completed"}: ${entry.shown.title}`);
    this.#sender.write(entry, { kind: "complete", fields: { completed } });
    this.dispatchEvent(new CustomEvent("ticked", { detail: { entry, completed } }));
  }

  /** Shows the row as deleted with an undo button, and sends the DELETE when the time to undo is over. */
  remove(entry) {
    entry.state = State.deleted(State.shown({ ...entry.state, error: null }));
    this.releaseUndo(entry);
    this.#list.changed(entry);
    this.#announcer.say(`Deleted: ${entry.shown.title}. Undo is possible.`);
  }

  undo(entry) {
    this.holdUndo(entry);
    entry.state = entry.state.before;
    this.#list.changed(entry);
    this.#announcer.say(`Restored: ${entry.shown.title}`);
  }

  /** Stops the time to undo, such as while the button has the focus or the pointer. */
  holdUndo(entry) {
    this.#undoTimers.get(entry)?.();
    this.#undoTimers.delete(entry);
  }

  /** Starts the time to undo from its beginning. */
  releaseUndo(entry) {
    if (entry.state.kind !== "deleted") return;
    this.holdUndo(entry);
    this.#undoTimers.set(entry, this.#clock.after(UNDO_MS, () => this.#removeNow(entry)));
  }

  /** Sends waiting deletions at once; for the end of the page or of the session. */
  leave() {
    for (const entry of this.#list.all) {
      if (entry.state.kind === "deleted" && entry.base) this.#removeNow(entry);
      if (entry.state.kind === "removing" && entry.task) this.#client.removeOnLeaving(entry.task.id);
    }
  }

  /** Forgets all tasks and what waits; for the end of an identity. */
  reset() {
    for (const cancel of this.#undoTimers.values()) cancel();
    this.#undoTimers.clear();
    this.#list.clear();
  }

  /** Whether a write is not stored yet. */
  get isPending() {
    return this.#list.all.some((entry) => entry.isSaving && entry.state.kind !== "removing");
  }

  async #sendInOrder(entries) {
    for (const entry of entries) await this.#sender.send(entry);
  }

  #removeNow(entry) {
    this.holdUndo(entry);
    entry.state = State.removing();
    this.#sender.write(entry, { kind: "remove", fields: {} });
  }
}

function newEntry(fields) {
  return Object.assign(new Entry(), { addedAt: performance.now(), writes: [creation(fields)] });
}

function creation(fields) {
  return { kind: "create", fields: { ...fields }, key: randomName() };
}

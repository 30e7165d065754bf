/** Puts the work that kept-work.js has kept back onto the page, and sends what waited. */
import { systemClock } from "./clock.js";
import { State } from "./entry.js";

/** The service keeps an Idempotency-Key for 24 hours. After that a create may make a second task. */
const KEY_LASTS_MS = 23 * 3_600_000;
const MAYBE_STORED = "This task was being saved when the page was last open. Save it again if it is missing in your list.";

export class Restore {
  #list;
  #sender;
  #clock;

  constructor(list, sender, clock = systemClock) {
    this.#list = list;
    this.#sender = sender;
    this.#clock = clock;
  }

  /** Opens an editor with the words of a new task from a page whose place another text has taken. */
  openWords(words) {
    const filled = Object.entries(words).filter(([, value]) => value !== "");
    const entry = this.#list.adopt(null, null);
    entry.state = State.editing(Object.fromEntries(filled));
    this.#list.raise(entry);
  }

  /** `kept` is one entry of a record. */
  run({ task, etag, writes, typed, isOpen, conflict }) {
    const entry = this.#list.adopt(task, etag);
    // What was typed or not sent began with this version. The list may have a newer one already.
    const newer = entry.task;
    Object.assign(entry, { task, etag });
    const isStale = ({ kind, since }) => kind === "create" && this.#clock.now() - (since ?? Infinity) > KEY_LASTS_MS;
    const stale = writes.find(isStale);
    entry.writes = [...writes.filter((write) => write !== stale), ...entry.writes];
    if (writes.some(({ kind }) => kind === "remove")) entry.state = State.removing();
    else if (isOpen) entry.state = State.editing(typed, { conflict });
    else if (typed) entry.state = State.shown({ draft: typed, conflict });
    if (task && newer !== task && !entry.isSaving) entry.confirm(newer);
    if (stale) this.#sender.reopen(entry, stale.fields, { notice: MAYBE_STORED });
    else if (isOpen || !task) this.#list.raise(entry);
    else this.#list.changed(entry);
    this.#sender.send(entry);
  }
}

/**
 * Keeps on this device what one person has typed and not stored: writes that wait, open editors, drafts, and the new task.
 *
 * Each tab has a record of its own, `tasks.work.<user>.<tab>`, and holds a lock of that name while it lives. When the tab
 * is gone, one other tab of the same person takes the record over, so each write is sent by one tab. Without Web Locks,
 * which need a secure context, a record is taken over at once: every write is safe to send twice.
 */
import { randomName } from "./random.js";

const TAB = "tasks.tab";
const prefixOf = (userId) => `tasks.work.${encodeURIComponent(userId)}.`;

export class KeptWork {
  #device;
  #tab;
  #locks;
  #list;
  #restore;
  #busy = new Set();
  #words = null;
  #key = null;
  #prefix = null;
  #over = new AbortController();
  #isPlanned = false;
  #awaited = new Set();
  /** Whether the last change could be stored. */
  isStored = true;

  /**
   * `device` and `tab` are JsonStorage; `locks` is navigator.locks or undefined.
   * `restore` is called with each record that a page before left: `{entries, words}`.
   */
  constructor({ device, tab, locks, list, restore }) {
    this.#device = device;
    this.#tab = tab;
    this.#locks = locks;
    this.#list = list;
    this.#restore = restore;
    list.addEventListener("entry", ({ detail }) => this.#note(detail));
    list.addEventListener("kept", ({ detail }) => this.#note(detail));
    list.addEventListener("order", () => this.#plan());
  }

  /** Begins to keep a person's work, and restores what was kept. */
  async open(userId) {
    this.close();
    const { signal } = (this.#over = new AbortController());
    this.#prefix = prefixOf(userId);
    const name = this.#tab.read(TAB) ?? randomName();
    // A duplicated tab has the name of the first one, which holds the lock.
    const key = (await this.#hold(this.#prefix + name, signal)) ? name : randomName();
    if (signal.aborted) return;
    this.#tab.write(TAB, key);
    this.#key = this.#prefix + key;
    if (key !== name) await this.#hold(this.#key, signal);
    if (signal.aborted) return;
    this.#take(this.#key);
    this.takeOver();
  }

  /** Takes over the records of tabs that are gone, now or once they are. */
  takeOver() {
    if (!this.#key) return;
    for (const key of this.#device.keys(this.#prefix)) {
      if (key === this.#key || this.#awaited.has(key)) continue;
      if (!this.#locks) this.#take(key);
      else this.#await(key, this.#over.signal);
    }
  }

  /** Keeps the words of the new task; null if there are none. */
  keepWords(words) {
    this.#words = words;
    this.#plan();
  }

  /** Stops keeping. The record stays on the device for its person. */
  close() {
    if (this.#key) this.#save();
    this.#over.abort();
    this.#key = null;
    this.#busy.clear();
    this.#words = null;
    this.#awaited.clear();
  }

  /** Deletes all that this device keeps of the person, and stops keeping. */
  erase() {
    const prefix = this.#prefix;
    this.close();
    if (!prefix) return;
    for (const key of this.#device.keys(prefix)) this.#device.write(key, null);
  }

  #note(entry) {
    if (entry.isBusy) this.#busy.add(entry);
    this.#plan();
  }

  /** Saves once for all changes of one task of the event loop. */
  #plan() {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    queueMicrotask(() => {
      this.#isPlanned = false;
      this.#save();
    });
  }

  #save() {
    if (!this.#key) return;
    for (const entry of this.#busy) {
      if (!entry.isBusy || !this.#list.has(entry)) this.#busy.delete(entry);
    }
    const entries = [...this.#busy].map(serialize).filter(Boolean);
    const isEmpty = entries.length === 0 && this.#words === null;
    this.isStored = this.#device.write(this.#key, isEmpty ? null : { entries, words: this.#words });
  }

  #take(key) {
    const record = this.#device.read(key);
    if (key !== this.#key) this.#device.write(key, null);
    if (record) this.#restore(record);
    this.#save();
  }

  async #await(key, signal) {
    this.#awaited.add(key);
    try {
      await this.#locks.request(key, { signal }, () => {
        this.#awaited.delete(key);
        if (!signal.aborted) this.#take(key);
      });
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  }

  /** Holds a lock until `signal` is aborted. Returns false if another tab holds it. */
  #hold(key, signal) {
    if (!this.#locks) return Promise.resolve(true);
    return new Promise((resolve) => {
      this.#locks.request(key, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        return lock && new Promise((release) => signal.addEventListener("abort", release));
      });
    });
  }
}

/** The kept form of an entry, or undefined if it holds nothing to keep. A deletion that can be undone is not kept. */
function serialize({ task, etag, writes, state, draft }) {
  const isOpen = state.kind === "editing";
  const typed = isOpen ? state.changes : draft;
  if (writes.length === 0 && !isOpen && !typed) return undefined;
  return { task, etag, writes, typed, isOpen, conflict: state.conflict ?? null };
}

/**
 * Loads the list again when it may be out of date: on return to the page, when the network is back, and after a change in
 * another tab. A hidden page waits until it is looked at.
 */
import { systemClock } from "./clock.js";

/** Events that come together, such as a focus and a visibility change, make one request. */
const PAUSE_MS = 300;

export class Freshness {
  #load;
  #isHidden;
  #clock;
  #isStale = false;
  #cancel = null;

  /** `load` loads again; `isHidden` says whether nobody sees the page. */
  constructor({ load, isHidden, clock = systemClock }) {
    this.#load = load;
    this.#isHidden = isHidden;
    this.#clock = clock;
  }

  /** The list may be out of date. */
  invalidate() {
    this.#isStale = true;
    this.check();
  }

  /** Loads if the list is out of date and the page is visible. */
  check() {
    if (!this.#isStale || this.#isHidden() || this.#cancel) return;
    this.#cancel = this.#clock.after(PAUSE_MS, () => {
      this.#cancel = null;
      if (this.#isHidden()) return;
      this.#isStale = false;
      this.#load();
    });
  }

  /** The list has just been requested. */
  settle() {
    this.#isStale = false;
    this.#cancel?.();
    this.#cancel = null;
  }
}

/** Notices when a day begins or a due time passes while the page is open. */
import { systemClock } from "./clock.js";

const MINUTE_MS = 60_000;

/** Fires "passed" when dates have to be shown anew. */
export class Moments extends EventTarget {
  #dues;
  #clock;
  #checkedAt;

  /** `dues` returns the due dates on the page. */
  constructor(dues, clock = systemClock) {
    super();
    this.#dues = dues;
    this.#clock = clock;
    this.#checkedAt = clock.now();
    this.#plan();
  }

  #plan() {
    // At most a minute: tasks and their due times change meanwhile, and a computer may sleep.
    const wait = Math.min(MINUTE_MS, nextMoment(this.#dues(), this.#checkedAt) - this.#checkedAt);
    this.#clock.after(wait, () => this.#check());
  }

  #check() {
    const now = this.#clock.now();
    const hasPassed = nextMoment(this.#dues(), this.#checkedAt) <= now;
    this.#checkedAt = now;
    this.#plan();
    if (hasPassed) this.dispatchEvent(new Event("passed"));
  }
}

/** The first midnight or due time after `since`; both in milliseconds since the epoch. */
export function nextMoment(dues, since) {
  const midnight = new Date(since).setHours(24, 0, 0, 0);
  // A calendar date passes at midnight.
  const times = dues.filter((due) => due?.includes("T")).map((due) => Date.parse(due));
  return times.reduce((first, time) => (time > since && time < first ? time : first), midnight);
}

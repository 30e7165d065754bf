/** Time and timers. Tests pass a clock of their own. */

/** The longest delay that setTimeout takes; a longer one would run at once. */
const LONGEST_MS = 2 ** 31 - 1;

export const systemClock = {
  /** Milliseconds since the epoch. */
  now: () => Date.now(),

  /** Calls `act` after `ms`. Returns a function that cancels it. */
  after(ms, act) {
    const timer = setTimeout(act, Math.min(ms, LONGEST_MS));
    return () => clearTimeout(timer);
  },
};

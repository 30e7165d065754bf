/** A clock that stands still until a test moves it. */

export class FakeClock {
  #now;
  #timers = new Set();

  constructor(now = Date.parse("2031-05-04T12:00:00Z")) {
    this.#now = now;
  }

  now = () => this.#now;

  after = (ms, act) => {
    const timer = { at: this.#now + ms, act };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  /** Moves the clock, and runs what becomes due in the order of its times. */
  async advance(ms) {
    const end = this.#now + ms;
    await settle();
    for (let timer = this.#next(end); timer; timer = this.#next(end)) {
      this.#timers.delete(timer);
      this.#now = timer.at;
      timer.act();
      await settle();
    }
    this.#now = end;
  }

  #next(end) {
    return [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
  }
}

/** Lets promises and responses of the fake server come to an end. */
export async function settle() {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

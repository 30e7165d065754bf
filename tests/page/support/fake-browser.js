/** What several tabs of one browser share: a storage area, and locks. */

export class FakeArea {
  #values = new Map();

  get length() {
    return this.#values.size;
  }

  key = (index) => [...this.#values.keys()][index] ?? null;
  getItem = (key) => this.#values.get(key) ?? null;
  setItem = (key, value) => this.#values.set(key, value);
  removeItem = (key) => this.#values.delete(key);
}

/** Web Locks: exclusive, first come first served. */
export class FakeLocks {
  #held = new Map();

  request = async (name, ...rest) => {
    const act = rest.pop();
    const { ifAvailable = false, signal } = rest[0] ?? {};
    if (ifAvailable && this.#held.has(name)) return act(null);
    const before = this.#held.get(name);
    const done = (async () => {
      await before;
      if (signal?.aborted) throw signal.reason;
      return act({ name });
    })();
    const end = done.catch(() => {}).then(() => {
      if (this.#held.get(name) === end) this.#held.delete(name);
    });
    this.#held.set(name, end);
    return done;
  };
}

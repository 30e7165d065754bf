/** JSON values in a Web Storage area. A browser may block or limit storage: writing then returns false. */

export class JsonStorage {
  #area;

  /** `open` returns the area, and may throw if it is blocked. */
  constructor(open) {
    try {
      this.#area = open();
    } catch {
      this.#area = null;
    }
  }

  /** The value, or null if it is missing or not JSON. */
  read(key) {
    try {
      return JSON.parse(this.#area.getItem(key));
    } catch {
      return null;
    }
  }

  /** Stores a value; null removes it. Returns whether that succeeded. */
  write(key, value) {
    try {
      if (value === null) this.#area.removeItem(key);
      else this.#area.setItem(key, JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  }

  keys(prefix) {
    try {
      const all = Array.from({ length: this.#area.length }, (_, index) => this.#area.key(index));
      return all.filter((key) => key.startsWith(prefix));
    } catch {
      return [];
    }
  }
}

/**
 * Where a session is kept: in this tab only, or, if the person asks for it, on this device for all tabs and later visits.
 * A log-out is kept on the device too, so that it also ends the sessions of tabs that sleep.
 */

const SESSION = "tasks.session";
const LOGGED_OUT = "tasks.logged-out";
/** A token is renewed for at most 30 days after its log-in. */
const FORGET_AFTER_MS = 30 * 86_400_000;

export class SessionStore {
  #tab;
  #device;

  /** Both are JsonStorage. `tab` lasts as long as the tab, `device` is shared by the tabs of this origin. */
  constructor({ tab, device }) {
    this.#tab = tab;
    this.#device = device;
  }

  /** The tab's session, or else the device's: `{token, user, source, remember, loggedInAt, receivedAt}`, or null. */
  load() {
    return [this.#tab.read(SESSION), this.#device.read(SESSION)].find((state) => state && !this.isOver(state)) ?? null;
  }

  /** The session of all tabs, or null. */
  loadShared() {
    const state = this.#device.read(SESSION);
    return state && !this.isOver(state) ? state : null;
  }

  save(state) {
    if (!state.remember) return this.#tab.write(SESSION, state);
    this.#tab.write(SESSION, null);
    return this.#device.write(SESSION, state);
  }

  /** Removes a session, but not one that another tab has stored since. */
  remove({ token }) {
    for (const area of [this.#tab, this.#device]) {
      if (area.read(SESSION)?.token === token) area.write(SESSION, null);
    }
  }

  /** Ends every session of a user in this browser. */
  logOut(userId, now) {
    const times = Object.entries(this.#device.read(LOGGED_OUT) ?? {}).filter(([, at]) => at > now - FORGET_AFTER_MS);
    this.#device.write(LOGGED_OUT, { ...Object.fromEntries(times), [userId]: now });
    for (const area of [this.#tab, this.#device]) {
      if (area.read(SESSION)?.user.id === userId) area.write(SESSION, null);
    }
  }

  /** Whether the user has logged out since this session began. */
  isOver({ user, loggedInAt }) {
    return this.loggedOutAt(user.id) >= loggedInAt;
  }

  /** When the user last logged out in this browser (ms since the epoch), or 0. */
  loggedOutAt(userId) {
    return this.#device.read(LOGGED_OUT)?.[userId] ?? 0;
  }
}

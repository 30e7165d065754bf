/**
 * The session: the person who is logged in, and the token.
 *
 * The token may expire; the identity stays until the person logs out or another person logs in. Whatever was begun
 * under an identity is sent with a token of that identity or not at all.
 *
 * Events:
 *   "start"     a person has logged in
 *   "renewed"   the token was replaced by another one of the same person
 *   "expiring"  the service rejected the token; preventDefault() keeps the session while a new token is fetched
 *   "end"       `detail` is the reason, or null after a log-out
 */
import { systemClock } from "./clock.js";
import { userOf } from "./token-claims.js";

/** A person whose session has begun. `signal` is aborted when the person logs out or another one logs in. */
class Identity {
  #over = new AbortController();

  constructor({ id, label }) {
    this.id = id;
    this.label = label;
  }

  get signal() {
    return this.#over.signal;
  }

  end() {
    this.#over.abort();
  }
}

export class Session extends EventTarget {
  #store;
  #clock;
  #state;
  #identity = null;

  constructor(store, clock = systemClock) {
    super();
    this.#store = store;
    this.#clock = clock;
    this.#state = store.load();
    if (this.#state) this.#identity = new Identity(this.#state.user);
  }

  get token() {
    return this.#state?.token ?? null;
  }

  /** `{id, label}` of the user who is logged in, or null. */
  get user() {
    return this.#state?.user ?? null;
  }

  /** The person whose work the page holds, also after the token has expired; null after a log-out. */
  get identity() {
    return this.#identity;
  }

  /** Where the token is from, when this page received it (ms since the epoch), and whether all tabs share it. */
  get origin() {
    const { source, receivedAt, remember } = this.#state ?? {};
    return { source, receivedAt, remember };
  }

  /**
   * @param {string} token
   * @param {object} options
   * @param {object} options.account the user as a log-in returns it; without it, the token's claims name the user
   * @param {boolean} options.remember keep the session on this device, for all tabs
   * @param {string} options.source the name of the source that renews the token, see renewal.js; "" if none does
   */
  start(token, { account = null, remember = false, source = "" } = {}) {
    const now = this.#clock.now();
    const user = userOf(token, account);
    const loggedInAt = Math.max(now, this.#store.loggedOutAt(user.id) + 1);
    this.#begin({ token, user, source, remember, loggedInAt, receivedAt: now });
    this.#store.save(this.#state);
  }

  /** Replaces the token by a new one of the same person. */
  renew(old, token) {
    if (this.token !== old || userOf(token).id !== this.user.id) return;
    this.#state = { ...this.#state, token, receivedAt: this.#clock.now() };
    if (!this.#state.remember || this.#store.loadShared()?.user.id === this.user.id) this.#store.save(this.#state);
    this.dispatchEvent(new Event("renewed"));
  }

  /** Ends all sessions of this person in this browser. */
  logOut() {
    if (!this.#identity) return;
    this.#store.logOut(this.#identity.id, this.#clock.now());
    this.#logOutHere();
  }

  /** Ends the session after a 401. A late response to an older token changes nothing. */
  expire(token, reason) {
    if (token === null || token !== this.token || this.#adoptShared()) return;
    const event = new CustomEvent("expiring", { detail: reason, cancelable: true });
    if (this.dispatchEvent(event)) this.finish(token, reason);
  }

  /** Ends the session that has this token, and keeps the identity for a new log-in. */
  finish(token, reason) {
    if (token !== this.token) return;
    this.#store.remove(this.#state);
    this.#state = null;
    this.dispatchEvent(new CustomEvent("end", { detail: reason }));
  }

  /** Follows what another tab did: it logged out, logged in, or renewed the token. */
  follow() {
    if (this.#state && this.#store.isOver(this.#state)) this.#logOutHere();
    else this.#adoptShared();
  }

  /**
   * A token of this person. Waits while nobody is logged in, or while the token is the one that was `refused`.
   * @throws the reason of `signal` once that is aborted; it must include the identity's
   */
  async tokenOf(identity, { signal, refused = null }) {
    while (!signal.aborted) {
      if (this.#identity === identity && this.#state && this.token !== refused) return this.token;
      await this.#nextToken(signal);
    }
    throw signal.reason;
  }

  #nextToken(signal) {
    return new Promise((resolve) => {
      const done = () => {
        this.removeEventListener("start", done);
        this.removeEventListener("renewed", done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.addEventListener("start", done);
      this.addEventListener("renewed", done);
      signal.addEventListener("abort", done);
    });
  }

  /** Takes the token that all tabs share if it is newer. Returns whether it did. Never changes the person. */
  #adoptShared() {
    const shared = this.#store.loadShared();
    if (!shared || shared.token === this.token) return false;
    if (this.#identity && this.#identity.id !== shared.user.id) return false;
    if (!this.#state) this.#begin(shared);
    else if (!this.#state.remember) return false;
    else {
      this.#state = shared;
      this.dispatchEvent(new Event("renewed"));
    }
    return true;
  }

  #begin(state) {
    this.#state = state;
    if (this.#identity?.id !== state.user.id) {
      this.#identity?.end();
      this.#identity = new Identity(state.user);
    }
    this.dispatchEvent(new Event("start"));
  }

  #logOutHere() {
    this.#state = null;
    this.#identity.end();
    this.#identity = null;
    this.dispatchEvent(new CustomEvent("end", { detail: null }));
  }
}

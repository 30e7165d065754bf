/**
 * Renews the token before it expires. One tab renews for all that share a token.
 *
 * A source is `{renew, outlivesToken}`. `renew(token)` returns a promise of a new token of the same person, and rejects
 * if there is none. `outlivesToken` says that it can do so although the token has expired.
 */
import { ErrorResponse } from "./api.js";
import { systemClock } from "./clock.js";
import { lifetimeOf } from "./token-claims.js";

/** The part of a token's lifetime after which it is renewed. */
const RENEW_AFTER = 0.7;
const RETRY_MS = 5000;
/** A browser shows another tab what was stored a moment later. */
const SETTLE_MS = 300;

export class Renewal {
  #session;
  #clock;
  #locks;
  #sources = new Map();
  #cancel = () => {};
  #running = null;

  /** `locks` is navigator.locks, or undefined: a browser has it in a secure context only. */
  constructor(session, { clock = systemClock, locks } = {}) {
    this.#session = session;
    this.#clock = clock;
    this.#locks = locks;
    session.addEventListener("start", () => this.schedule());
    session.addEventListener("renewed", () => this.schedule());
    session.addEventListener("end", () => this.#cancel());
    session.addEventListener("expiring", (event) => this.#revive(event));
  }

  addSource(name, source) {
    this.#sources.set(name, source);
    this.schedule();
  }

  /** Plans the renewal, or renews now if that is due; also for the return of a page that slept. */
  schedule() {
    this.#cancel();
    const lifetime = this.#session.token && lifetimeOf(this.#session.token);
    if (!this.#source || !lifetime) return;
    const due = this.#session.origin.receivedAt + RENEW_AFTER * lifetime;
    this.#cancel = this.#clock.after(Math.max(0, due - this.#clock.now()), () => this.#renew());
  }

  get #source() {
    return this.#sources.get(this.#session.origin.source);
  }

  async #renew() {
    const token = this.#session.token;
    try {
      await this.#replace(token);
    } catch (error) {
      // Refused: the token stays in use until it expires.
      if (error instanceof ErrorResponse && error.status < 500 && error.status !== 429) return;
      if (this.#session.token === token) this.#cancel = this.#clock.after(RETRY_MS, () => this.#renew());
    }
  }

  /** Fetches one new token, however many requests ask for it. */
  #replace(token) {
    this.#running ??= this.#replaceOnce(token).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #replaceOnce(token) {
    const source = this.#source;
    const replace = async () => {
      this.#session.follow();
      if (this.#session.token === token) this.#session.renew(token, await source.renew(token));
    };
    const isShared = this.#locks && this.#session.origin.remember;
    if (!isShared) return replace();
    return this.#locks.request(`tasks.renew.${this.#session.user.id}`, async () => {
      await replace();
      await new Promise((resolve) => this.#clock.after(SETTLE_MS, resolve));
    });
  }

  #revive(event) {
    if (!this.#source?.outlivesToken) return;
    event.preventDefault();
    const token = this.#session.token;
    this.#replace(token).catch(() => this.#session.finish(token, event.detail));
  }
}

/**
 * Repeating a call that could not be served: after Retry-After, or a growing pause when nobody answered.
 * Only calls that may safely be sent twice come here. What is being waited for is told to the banner.
 */
import { Refusal, Unreachable } from "/static/api.js";

const LONGEST_PAUSE = 8;

/** The calls that are waiting now. Fires "change"; a waiter has `message` and `until` (ms since the epoch). */
export class Waiting extends EventTarget {
  #waiters = new Set();

  constructor() {
    super();
    window.addEventListener("online", () => this.retryNow());
  }

  /** The waiter that will try again first, or null. */
  get next() {
    return [...this.#waiters].reduce((a, b) => (a === null || b.until < a.until ? b : a), null);
  }

  retryNow() {
    for (const waiter of this.#waiters) waiter.wake();
  }

  async pause(seconds, message, signal) {
    const waiter = { message, until: Date.now() + seconds * 1000 };
    this.#waiters.add(waiter);
    this.dispatchEvent(new Event("change"));
    await new Promise((resolve) => {
      waiter.wake = resolve;
      setTimeout(resolve, seconds * 1000);
      signal?.addEventListener("abort", resolve, { once: true });
    });
    this.#waiters.delete(waiter);
    this.dispatchEvent(new Event("change"));
    signal?.throwIfAborted();
  }
}

/** True for an answer that asks to come again: nothing was done. */
export function asksToWait(error) {
  return error instanceof Refusal && (error.status === 429 || error.status === 503);
}

/** Calls `attempt` until it is served, refused for good, or `signal` is aborted. */
export async function patiently(waiting, attempt, { signal, resend = true } = {}) {
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!asksToWait(error) && !(resend && error instanceof Unreachable)) throw error;
      const pause = Math.max(error.retryAfter ?? 1, Math.min(failures, LONGEST_PAUSE));
      await waiting.pause(pause, error.message, signal);
    }
  }
}

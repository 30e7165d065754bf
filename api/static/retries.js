/**
 * Retries requests that could not be served: after Retry-After, or after a growing pause without a response.
 * Its callers send only requests that are safe to repeat. The banner shows the queue.
 */
import { ErrorResponse, Unreachable } from "./api.js";

const MAX_PAUSE_SECONDS = 8;

/** The requests that wait for a retry, each with `message` and `until` (ms since the epoch). Fires "change". */
export class RetryQueue extends EventTarget {
  #waiters = new Set();

  constructor() {
    super();
    window.addEventListener("online", () => this.retryNow());
  }

  /** The waiter that retries first, or null. */
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

/** True for a response that asks the client to wait and retry. */
function isRetryable(error) {
  return error instanceof ErrorResponse && (error.status === 429 || error.status === 503);
}

/** Calls `attempt` until it succeeds, fails with an error that is not retryable, or `signal` is aborted. */
export async function withRetries(queue, attempt, { signal, resend = true } = {}) {
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isRetryable(error) && !(resend && error instanceof Unreachable)) throw error;
      const pause = Math.max(error.retryAfter ?? 1, Math.min(failures, MAX_PAUSE_SECONDS));
      await queue.pause(pause, error.message, signal);
    }
  }
}

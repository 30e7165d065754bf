/**
 * Retries requests that could not be served: after Retry-After, or after a growing pause without a response.
 * Its callers send only requests that are safe to repeat. The banner shows the queue.
 */
import { ErrorResponse, Unreachable } from "./api.js";
import { systemClock } from "./clock.js";

const MAX_PAUSE_SECONDS = 8;
/** The service did not take the request. */
const NOT_TAKEN = new Set([429, 503]);
/** A proxy got no response from the service, which may have taken the request. */
const NO_RESPONSE = new Set([502, 504]);

/** The requests that wait for a retry, each with `message` and `until` (ms since the epoch). Fires "change". */
export class RetryQueue extends EventTarget {
  #clock;
  #waiters = new Set();
  #failing = 0;

  constructor(clock = systemClock) {
    super();
    this.#clock = clock;
  }

  /** The waiter that retries first, or null. */
  get next() {
    return [...this.#waiters].reduce((a, b) => (a === null || b.until < a.until ? b : a), null);
  }

  /** Whether a request has failed and has not come to its end: it waits, or is being tried again. */
  get isFailing() {
    return this.#failing > 0;
  }

  /** A request has failed for the first time. */
  begin() {
    this.#failing += 1;
  }

  /** It has succeeded, or is given up. */
  end() {
    this.#failing -= 1;
    this.dispatchEvent(new Event("change"));
  }

  retryNow() {
    for (const waiter of this.#waiters) waiter.wake();
  }

  async pause(seconds, message, signal) {
    const waiter = { message, until: this.#clock.now() + seconds * 1000 };
    this.#waiters.add(waiter);
    this.dispatchEvent(new Event("change"));
    await new Promise((resolve) => {
      const cancel = this.#clock.after(seconds * 1000, resolve);
      waiter.wake = () => {
        cancel();
        resolve();
      };
      signal?.addEventListener("abort", waiter.wake, { once: true });
    });
    signal?.removeEventListener("abort", waiter.wake);
    this.#waiters.delete(waiter);
    this.dispatchEvent(new Event("change"));
    signal?.throwIfAborted();
  }
}

/** `resend` allows to repeat a request that the service may have executed. */
function isRetryable(error, resend) {
  if (error instanceof Unreachable) return resend;
  if (!(error instanceof ErrorResponse)) return false;
  return NOT_TAKEN.has(error.status) || (resend && NO_RESPONSE.has(error.status));
}

/** Calls `attempt` until it succeeds, fails with an error that is not retryable, or `signal` is aborted. */
export async function withRetries(queue, attempt, { signal, resend = true } = {}) {
  try {
    return await attempt();
  } catch (error) {
    if (!isRetryable(error, resend)) throw error;
    queue.begin();
    return await retry(queue, attempt, { signal, resend, error }).finally(() => queue.end());
  }
}

/** `error` is that of the first attempt. */
async function retry(queue, attempt, { signal, resend, error }) {
  let last = error;
  for (let failures = 1; ; failures += 1) {
    const pause = Math.max(last.retryAfter ?? 1, Math.min(failures, MAX_PAUSE_SECONDS));
    await queue.pause(pause, last.message, signal);
    try {
      return await attempt();
    } catch (again) {
      if (!isRetryable(again, resend)) throw again;
      last = again;
    }
  }
}

/** The banner for requests that wait for a retry: the error, the seconds left, and a button to retry at once. */
import { byId } from "./dom.js";

export class Connection {
  #retryQueue;
  #announcer;
  #banner = byId("connection");
  #message = byId("connection-message");
  #timer;
  #announced = null;

  constructor(retryQueue, announcer) {
    this.#retryQueue = retryQueue;
    this.#announcer = announcer;
    retryQueue.addEventListener("change", () => this.#show());
    byId("connection-retry").addEventListener("click", () => retryQueue.retryNow());
  }

  #show() {
    clearTimeout(this.#timer);
    const next = this.#retryQueue.next;
    if (!next) {
      // A retry is in progress. Keep the banner for a moment: the retry may fail and wait again.
      this.#timer = setTimeout(() => this.#hide(), 400);
      return;
    }
    const seconds = Math.max(1, Math.ceil((next.until - Date.now()) / 1000));
    this.#banner.hidden = false;
    this.#message.textContent = `${sentence(next.message)} Trying again in ${seconds}\u00a0s.`;
    this.#timer = setTimeout(() => this.#show(), 1000);
    this.#announceOnce(next.message);
  }

  #hide() {
    this.#banner.hidden = true;
    this.#announced = null;
  }

  /** Announces no seconds: a countdown would drown all other announcements. */
  #announceOnce(message) {
    if (message === this.#announced) return;
    this.#announced = message;
    this.#announcer.alert(`${sentence(message)} The page retries automatically.`);
  }
}

function sentence(text) {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

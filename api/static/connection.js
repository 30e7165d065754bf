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
    const { next, isFailing } = this.#retryQueue;
    if (!next) {
      // The banner stays while a retry is in progress: the page below it would move twice if that failed too.
      if (!isFailing) this.#hide();
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

/** The banner that says what could not be served yet, when it is tried again, and lets one try at once. */

const byId = (id) => document.getElementById(id);

export class Connection {
  #waiting;
  #announcer;
  #banner = byId("connection");
  #message = byId("connection-message");
  #clock;
  #said = null;

  constructor(waiting, announcer) {
    this.#waiting = waiting;
    this.#announcer = announcer;
    waiting.addEventListener("change", () => this.#show());
    byId("connection-retry").addEventListener("click", () => waiting.retryNow());
  }

  #show() {
    clearTimeout(this.#clock);
    const next = this.#waiting.next;
    if (!next) {
      // An attempt is under way: only when it is answered (and nothing waits again) is the trouble over.
      this.#clock = setTimeout(() => this.#hide(), 400);
      return;
    }
    const seconds = Math.max(1, Math.ceil((next.until - Date.now()) / 1000));
    this.#banner.hidden = false;
    this.#message.textContent = `${sentence(next.message)} Trying again in ${seconds}\u00a0s.`;
    this.#clock = setTimeout(() => this.#show(), 1000);
    this.#sayOnce(next.message);
  }

  #hide() {
    this.#banner.hidden = true;
    this.#said = null;
  }

  /** The seconds are for the eye: counted aloud they would drown everything else. */
  #sayOnce(message) {
    if (message === this.#said) return;
    this.#said = message;
    this.#announcer.alert(`${sentence(message)} It is tried again by itself.`);
  }
}

function sentence(text) {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

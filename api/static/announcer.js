/** Announces changes to screen readers, through one polite and one assertive live region. */
import { byId } from "./dom.js";

export class Announcer {
  #polite = byId("polite");
  #assertive = byId("assertive");

  say(text) {
    this.#put(this.#polite, text);
  }

  alert(text) {
    this.#put(this.#assertive, text);
  }

  clear() {
    this.#polite.textContent = "";
    this.#assertive.textContent = "";
  }

  /** Clears the region first: setting the same text again would be no change, and would not be announced. */
  #put(region, text) {
    region.textContent = "";
    requestAnimationFrame(() => {
      region.textContent = text;
    });
  }
}

/** What changed on the page, for those who do not see it: one polite and one urgent live region. */

export class Announcer {
  #polite = document.getElementById("polite");
  #assertive = document.getElementById("assertive");

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

  /** Emptied first: the same words twice would otherwise be no change, and not be read. */
  #put(region, text) {
    region.textContent = "";
    requestAnimationFrame(() => {
      region.textContent = text;
    });
  }
}

/** The due date that the words of a title name: shown before it is taken, and taken only if nobody removes it. */
import { describeDue } from "./dates.js";
import { byId } from "./dom.js";

export class DueChip {
  #title;
  #announcer;
  #button = byId("due-chip");
  #found = null;
  #declined = null;
  #words = null;

  constructor(title, announcer) {
    this.#title = title;
    this.#announcer = announcer;
    this.#button.addEventListener("click", () => {
      this.#declined = this.#found.words;
      this.#show(null);
      this.#title.focus();
      this.#announcer.say("No due date. The words stay in the title.");
    });
  }

  /** `{title, due}` of the chip, or null. */
  get found() {
    return this.#found;
  }

  /** Loads what knows the words: only who writes a task needs it. After a failure the next call tries again. */
  load() {
    this.#words ??= import("./due-words.js").catch(() => (this.#words = null));
  }

  /** Reads the title again. A date in the field, as `hasDate` says, counts more than words. */
  async update(hasDate) {
    this.load();
    const words = await this.#words;
    const found = hasDate() ? null : words?.findDueWords(this.#title.value) ?? null;
    this.#show(found?.words === this.#declined ? null : found);
  }

  clear() {
    this.#declined = null;
    this.#show(null);
  }

  #show(found) {
    const isNews = found !== null && found.due !== this.#found?.due;
    this.#found = found;
    this.#button.hidden = found === null;
    if (found === null) return;
    const text = `Due ${describeDue(found.due).text}`;
    byId("due-chip-text").textContent = text;
    this.#button.setAttribute("aria-label", `${text}, from “${found.words}”. Remove`);
    if (isNews) this.#announcer.say(text);
  }
}

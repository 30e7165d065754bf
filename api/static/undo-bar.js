/** Offers to take back what was just done. Stays while it has the pointer or the focus. */
import { systemClock } from "./clock.js";
import { byId } from "./dom.js";

const BRIEFLY_MS = 10_000;

export class UndoBar {
  #bar = byId("undo-bar");
  #button = this.#bar.querySelector("[data-action=undo]");
  #clock;
  #undo = null;
  #isBrief = false;
  #cancel = () => {};

  constructor(clock = systemClock) {
    this.#clock = clock;
    this.#button.addEventListener("click", () => {
      const undo = this.#undo;
      this.#leave();
      undo();
    });
    this.#bar.querySelector("[data-action=dismiss]").addEventListener("click", () => this.#leave());
    for (const event of ["pointerenter", "focusin"]) this.#bar.addEventListener(event, () => this.#cancel());
    for (const event of ["pointerleave", "focusout"]) this.#bar.addEventListener(event, () => this.#hideLater());
  }

  /** What is brief leaves by itself; anything else stays until it is used, dismissed or replaced. */
  offer(text, { label, undo, isBrief = false }) {
    this.#cancel();
    this.#undo = undo;
    this.#isBrief = isBrief;
    byId("undo-text").textContent = text;
    this.#button.setAttribute("aria-label", label);
    this.#bar.hidden = false;
    this.#hideLater();
  }

  hide() {
    this.#cancel();
    this.#undo = null;
    // The next person of the page must not find the titles of this one.
    byId("undo-text").textContent = "";
    this.#button.removeAttribute("aria-label");
    this.#bar.hidden = true;
  }

  #leave() {
    const hadFocus = this.#bar.contains(document.activeElement);
    this.hide();
    if (hadFocus) byId("new-title").focus();
  }

  #hideLater() {
    this.#cancel();
    if (!this.#isBrief || this.#bar.matches(":hover, :focus-within")) return;
    this.#cancel = this.#clock.after(BRIEFLY_MS, () => this.hide());
  }
}

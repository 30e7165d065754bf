/** Takes back the last tick, also after its row has left the list. Stays while it has the pointer or the focus. */
import { systemClock } from "./clock.js";
import { byId } from "./dom.js";

const SHOWN_MS = 10_000;

export class TickUndo {
  #bar = byId("tick-undo");
  #button = this.#bar.querySelector("button");
  #clock;
  #undo = () => {};
  #cancel = () => {};

  /** `undo` is called with the entry and whether it was completed before. */
  constructor(writes, undo, clock = systemClock) {
    this.#clock = clock;
    writes.addEventListener("ticked", ({ detail }) => this.#show(detail, undo));
    this.#button.addEventListener("click", () => {
      this.hide();
      this.#undo();
    });
    for (const event of ["pointerenter", "focusin"]) this.#bar.addEventListener(event, () => this.#cancel());
    for (const event of ["pointerleave", "focusout"]) this.#bar.addEventListener(event, () => this.#hideLater());
  }

  hide() {
    this.#cancel();
    this.#bar.hidden = true;
  }

  #show({ entry, completed }, undo) {
    const { title } = entry.shown;
    byId("tick-undo-text").textContent = `${completed ? "Completed" : "Not completed"}: “${title}”`;
    this.#button.setAttribute("aria-label", `Undo ${completed ? "completing" : "reopening"} ${title}`);
    this.#undo = () => undo(entry, !completed);
    this.#bar.hidden = false;
    this.#hideLater();
  }

  #hideLater() {
    this.#cancel();
    this.#cancel = this.#clock.after(SHOWN_MS, () => this.hide());
  }
}

/** Offers to take back what was just done to several tasks. Stays until it is used, closed or replaced: no clock runs. */
import { byId } from "./dom.js";

export class UndoBar {
  #bar = byId("undo-bar");
  #undo = null;

  constructor() {
    this.#bar.addEventListener("click", ({ target }) => {
      const action = target.closest("[data-action]")?.dataset.action;
      if (!action) return;
      const undo = this.#undo;
      this.hide();
      if (action === "undo") undo();
      byId("new-title").focus();
    });
  }

  offer(text, undo) {
    this.#undo = undo;
    byId("undo-text").textContent = text;
    this.#bar.hidden = false;
  }

  hide() {
    this.#undo = null;
    this.#bar.hidden = true;
  }
}

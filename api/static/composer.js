/** The form for a new task: one line, which shows description and due date while it is in use. */
import { dueFrom } from "./dates.js";
import { byId } from "./dom.js";
import { clearErrors, hasMistakes, submitByKeyboard } from "./fields.js";

export class Composer {
  #form = byId("composer");
  #more = this.#form.querySelector(".composer-more");

  /** `add` is called with the fields that are not empty. */
  constructor(add) {
    const { title, description, due_date: due } = this.#form.elements;
    submitByKeyboard(this.#form);
    this.#form.addEventListener("focusin", () => this.#open(true));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (hasMistakes({ form: this.#form, title, due })) return;
      add({
        title: title.value,
        ...(description.value !== "" && { description: description.value }),
        ...(due.value !== "" && { due_date: dueFrom(due) }),
      });
      this.clear();
      title.focus();
    });
    // Closes after a click elsewhere, not before: closing moves the page, and the click would miss its target.
    document.addEventListener("click", () => this.#closeIfLeft());
    document.addEventListener("keyup", () => this.#closeIfLeft());
  }

  focus() {
    this.#form.elements.title.focus();
  }

  clear() {
    this.#form.reset();
    clearErrors(this.#form);
  }

  #open(open) {
    this.#more.hidden = !open;
  }

  #closeIfLeft() {
    const { title, description, due_date: due } = this.#form.elements;
    const empty = [title, description, due].every((field) => field.value === "");
    if (!empty || this.#form.contains(document.activeElement)) return;
    clearErrors(this.#form);
    this.#open(false);
  }
}

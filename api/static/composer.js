/** The form for a new task: one line, which shows description and due date while it is in use. */
import { dueFrom } from "./dates.js";
import { byId } from "./dom.js";
import { clearErrors, hasMistakes, submitByKeyboard } from "./fields.js";

const FIELDS = ["title", "description", "due_date"];

export class Composer {
  #form = byId("composer");
  #more = this.#form.querySelector(".composer-more");

  #keep;

  /** `add` is called with the fields that are not empty; `keep` with all while they change, or null once all are empty. */
  constructor({ add, keep }) {
    this.#keep = keep;
    const { title, description, due_date: due } = this.#form.elements;
    submitByKeyboard(this.#form);
    this.#form.addEventListener("focusin", () => this.#open(true));
    this.#form.addEventListener("input", () => keep(this.isEmpty ? null : this.#words()));
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

  /** Shows words that a page before has kept. */
  fill(words) {
    for (const name of FIELDS) this.#form.elements[name].value = words[name];
    this.#keep(words);
    this.#open(true);
  }

  clear() {
    this.#form.reset();
    clearErrors(this.#form);
    this.#keep(null);
  }

  get isEmpty() {
    return Object.values(this.#words()).every((value) => value === "");
  }

  /** The words as they stand in the fields. */
  #words() {
    return Object.fromEntries(FIELDS.map((name) => [name, this.#form.elements[name].value]));
  }

  #open(open) {
    this.#more.hidden = !open;
  }

  #closeIfLeft() {
    if (!this.isEmpty || this.#form.contains(document.activeElement)) return;
    clearErrors(this.#form);
    this.#open(false);
  }
}

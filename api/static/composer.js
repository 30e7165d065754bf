/** The form for a new task: one line, which shows description and due date while it is in use. */
import { dueFrom } from "./dates.js";
import { byId } from "./dom.js";
import { DueChip } from "./due-chip.js";
import { clearErrors, hasMistakes, showErrors, submitByKeyboard } from "./fields.js";
import { titlesOf } from "./pasted-lines.js";

const MAX_LINES = 100;

export class Composer {
  #form = byId("composer");
  #more = this.#form.querySelector(".composer-more");
  #add;
  #addAll;
  #chip;

  /** `add` is called with the fields that are not empty, `addAll` with a list of such fields. */
  constructor({ add, addAll, announcer }) {
    this.#add = add;
    this.#addAll = addAll;
    const { title } = this.#form.elements;
    this.#chip = new DueChip(title, announcer);
    submitByKeyboard(this.#form);
    this.#form.addEventListener("focusin", () => this.#open(true));
    this.#form.addEventListener("input", () => this.#chip.update(!this.#isEmpty("due_date")));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    title.addEventListener("paste", (event) => this.#paste(event));
    // Closes after a click elsewhere, not before: closing moves the page, and the click would miss its target.
    document.addEventListener("click", () => this.#closeIfLeft());
    document.addEventListener("keyup", () => this.#closeIfLeft());
  }

  focus() {
    this.#form.elements.title.focus();
  }

  clear() {
    this.#form.reset();
    this.#chip.clear();
    clearErrors(this.#form);
  }

  #submit() {
    const { title, description, due_date: due } = this.#form.elements;
    // Enter once more after a task was added.
    if (this.#isEmpty("title", "description", "due_date")) return clearErrors(this.#form);
    if (hasMistakes({ form: this.#form, title, due })) return undefined;
    const words = this.#chip.found;
    this.#add({
      title: words?.title ?? title.value.trim(),
      ...(description.value !== "" && { description: description.value }),
      ...this.#due(words?.due),
    });
    this.clear();
    return title.focus();
  }

  /** Several lines become several tasks. They may hold dates of all kinds, so no words of theirs become due dates. */
  #paste(event) {
    const { title } = this.#form.elements;
    const { value, selectionStart, selectionEnd } = title;
    const pasted = event.clipboardData.getData("text/plain");
    const titles = titlesOf(value.slice(0, selectionStart) + pasted + value.slice(selectionEnd));
    if (titles.length < 2) return;
    event.preventDefault();
    if (titles.length > MAX_LINES) {
      const message = `These are ${titles.length} lines. At most ${MAX_LINES} become tasks at once; nothing was added.`;
      return showErrors(this.#form, { fields: new Map([["title", message]]) });
    }
    this.#addAll(titles.map((each) => ({ title: each, ...this.#due() })));
    title.value = "";
    this.#chip.clear();
    clearErrors(this.#form);
  }

  #due(words = null) {
    const { due_date: due } = this.#form.elements;
    const value = due.value === "" ? words : dueFrom(due);
    return value === null ? {} : { due_date: value };
  }

  #isEmpty(...names) {
    const { elements } = this.#form;
    return names.every((name) => elements[name].value.trim() === "" && !elements[name].validity.badInput);
  }

  #open(open) {
    this.#more.hidden = !open;
  }

  #closeIfLeft() {
    if (!this.#isEmpty("title", "description", "due_date") || this.#form.contains(document.activeElement)) return;
    clearErrors(this.#form);
    this.#open(false);
  }
}

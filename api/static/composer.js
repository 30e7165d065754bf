/** The form for a new task: one line, which shows description and due date while it is in use. */
import { dueFrom } from "./dates.js";
import { byId } from "./dom.js";
import { DueChip } from "./due-chip.js";
import { clearErrors, hasMistakes, showErrors, submitByKeyboard } from "./fields.js";
import { titlesOf } from "./pasted-lines.js";

const MAX_LINES = 100;
const FIELDS = ["title", "description", "due_date"];

export class Composer {
  #form = byId("composer");
  #more = this.#form.querySelector(".composer-more");
  #add;
  #addAll;
  #keep;
  #chip;

  /**
   * `add` is called with the fields that are not empty, `addAll` with a list of such fields; `keep` with the text of all
   * fields while it changes, or null once all are empty.
   */
  constructor({ add, addAll, keep, announcer }) {
    this.#add = add;
    this.#addAll = addAll;
    this.#keep = keep;
    const { title } = this.#form.elements;
    this.#chip = new DueChip(title, announcer);
    submitByKeyboard(this.#form);
    this.#form.addEventListener("focusin", () => {
      this.#open(true);
      this.#chip.load();
    });
    this.#form.addEventListener("input", () => this.#note());
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

  /** Shows words that a page before has kept. */
  fill(words) {
    for (const name of FIELDS) this.#form.elements[name].value = words[name];
    this.#note();
    this.#open(true);
  }

  clear() {
    this.#form.reset();
    this.#chip.clear();
    clearErrors(this.#form);
    this.#keep(null);
  }

  get isEmpty() {
    const { elements } = this.#form;
    return FIELDS.every((name) => elements[name].value.trim() === "" && !elements[name].validity.badInput);
  }

  #note() {
    const { elements } = this.#form;
    this.#chip.update(() => elements.due_date.value !== "");
    this.#keep(this.isEmpty ? null : Object.fromEntries(FIELDS.map((name) => [name, elements[name].value])));
  }

  #submit() {
    const { title, description, due_date: due } = this.#form.elements;
    // Enter once more after a task was added.
    if (this.isEmpty) return clearErrors(this.#form);
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
    this.#note();
    clearErrors(this.#form);
  }

  #due(words = null) {
    const { due_date: due } = this.#form.elements;
    const value = due.value === "" ? words : dueFrom(due);
    return value === null ? {} : { due_date: value };
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

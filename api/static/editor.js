/** The form that edits one task in place. It saves only the changed fields, and keeps the others. */
import { choiceElement } from "./choice.js";
import { dueField, dueFrom } from "./dates.js";
import { byId } from "./dom.js";
import { connectLabels, hasMistakes, showErrors, submitByKeyboard } from "./fields.js";

const TEMPLATE = byId("editor-template");

export class Editor {
  element = TEMPLATE.content.firstElementChild.cloneNode(true);
  #title = this.element.elements.title;
  #description = this.element.elements.description;
  #due = this.element.elements.due_date;
  #initial;
  #task;

  /** `editing` is the state "editing" of entry.js: the changes to show already, and the error or notice to explain them. */
  constructor(task, editing, { save, cancel }) {
    connectLabels(this.element);
    submitByKeyboard(this.element);
    this.element.setAttribute("aria-label", task ? `Edit ${task.title}` : "New task, not saved yet");
    this.#fill(task, editing.changes);
    this.#explain(editing);
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      if (hasMistakes({ form: this.element, title: this.#title, due: this.#due })) return;
      // A task that is created again stays completed; the form has no field for that.
      save({ ...(!this.#task && editing.changes.completed && { completed: true }), ...this.#changes() });
    });
    this.element.querySelector("[data-action=cancel]").addEventListener("click", cancel);
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") cancel();
    });
  }

  focus() {
    const target = this.element.querySelector("[aria-invalid]") ?? this.#title;
    target.focus();
    if (target === this.#title) target.setSelectionRange(target.value.length, target.value.length);
  }

  /** Shows a newer version of the task in the fields that were not edited. */
  rebase(task) {
    if (task !== this.#task) this.#fill(task, this.#changes());
  }

  #fill(task, changes) {
    this.#task = task;
    this.#title.value = task?.title ?? "";
    this.#description.value = task?.description ?? "";
    Object.assign(this.#due, dueField(task?.due_date ?? null));
    // Read from the fields: they may drop line breaks or seconds of the task, and that is not a change.
    this.#initial = this.#values();
    for (const [name, value] of Object.entries(changes)) this.#set(name, value);
  }

  #set(name, value) {
    if (name === "due_date") Object.assign(this.#due, dueField(value));
    else if (name in this.#initial) this.element.elements[name].value = value ?? "";
  }

  #values() {
    return {
      title: this.#title.value.trim(),
      description: this.#description.value || null,
      due_date: dueFrom(this.#due),
    };
  }

  #changes() {
    const values = Object.entries(this.#values());
    return Object.fromEntries(values.filter(([name, value]) => value !== this.#initial[name]));
  }

  #explain({ error, notice, conflict, changes }) {
    for (const [name, theirs] of Object.entries(conflict ?? {})) this.#offer(name, { mine: changes[name], theirs });
    if (error) showErrors(this.element, error);
    if (!notice) return;
    const element = this.element.querySelector("[data-part=notice]");
    element.textContent = notice;
    element.hidden = false;
  }

  #offer(name, values) {
    const field = this.element.elements[name]?.closest(".field");
    field?.before(choiceElement(name, values, (value) => this.#set(name, value)));
  }
}

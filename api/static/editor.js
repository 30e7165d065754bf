/** The form that edits one task in place. It saves only the changed fields, and keeps the others. */
import { choiceElement } from "./choice.js";
import { dueField, dueFrom } from "./dates.js";
import { byId } from "./dom.js";
import { connectLabels, hasMistakes, showErrors, submitByKeyboard } from "./fields.js";

const FIELDS = ["title", "description", "due_date"];
const TEMPLATE = byId("editor-template");

export class Editor {
  element = TEMPLATE.content.firstElementChild.cloneNode(true);
  #title = this.element.elements.title;
  #description = this.element.elements.description;
  #due = this.element.elements.due_date;
  #initial;
  #keep;
  #conflict = null;
  #task;

  /** `editing` is the state "editing" of entry.js: the changes to show already, and the error or notice to explain them. */
  constructor(task, editing, { save, keep, leave, cancel }) {
    connectLabels(this.element);
    submitByKeyboard(this.element);
    this.element.setAttribute("aria-label", task ? `Edit ${task.title}` : "New task, not saved yet");
    this.#fill(task, editing.changes);
    this.#keep = keep;
    this.#explain(editing);
    this.#showConflict(editing.conflict);
    this.element.addEventListener("input", () => keep(this.#changes()));
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      if (hasMistakes({ form: this.element, title: this.#title, due: this.#due })) return;
      // A task that is created again stays completed; the form has no field for that.
      save({ ...(!this.#task && editing.changes.completed && { completed: true }), ...this.#changes() });
    });
    this.element.querySelector("[data-action=cancel]").addEventListener("click", cancel);
    this.element.addEventListener("keydown", (event) => {
      // Escape also ends the choice of an input method, which is not meant for the editor.
      if (event.key === "Escape" && !event.isComposing) leave();
    });
  }

  focus() {
    const target = this.element.querySelector("[aria-invalid]") ?? this.#title;
    target.focus();
    if (target === this.#title) target.setSelectionRange(target.value.length, target.value.length);
  }

  /** Shows a newer version of the task in the fields that were not edited, and what is in conflict with the others. */
  rebase(task, { conflict }) {
    if (FIELDS.some((name) => task?.[name] !== this.#task?.[name])) this.#fill(task, this.#changes());
    this.#task = task;
    this.#showConflict(conflict);
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

  /** Shows both values of each field in conflict; the field keeps one's own until the other is chosen. */
  #showConflict(conflict) {
    if (conflict === this.#conflict) return;
    this.#conflict = conflict;
    for (const choice of this.element.querySelectorAll(".choice")) choice.remove();
    for (const [name, theirs] of Object.entries(conflict ?? {})) this.#offer(name, theirs);
  }

  #offer(name, theirs) {
    const mine = this.#values()[name];
    const field = this.element.elements[name].closest(".field");
    field.before(choiceElement(name, { mine, theirs }, (value) => {
      this.#set(name, value);
      this.#keep(this.#changes());
    }));
  }

  #explain({ error, notice }) {
    if (error) showErrors(this.element, error);
    if (!notice) return;
    const element = this.element.querySelector("[data-part=notice]");
    element.textContent = notice;
    element.hidden = false;
  }
}

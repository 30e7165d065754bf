/** The form in which one task is changed in place. Reports only what was changed, so the rest survives. */
import { dueField, dueFrom } from "/static/dates.js";
import { connectLabels, hasMistakes, showErrors, submitByKeyboard } from "/static/fields.js";

const TEMPLATE = document.getElementById("editor-template");

export class Editor {
  element = TEMPLATE.content.firstElementChild.cloneNode(true);
  #title = this.element.elements.title;
  #description = this.element.elements.description;
  #due = this.element.elements.due_date;
  #initial;
  #task;

  /** `editing` as in Entry: what to show typed already, and why it came back. */
  constructor(task, editing, { save, cancel }) {
    connectLabels(this.element);
    submitByKeyboard(this.element);
    this.element.setAttribute("aria-label", task ? `Edit ${task.title}` : "New task, not saved yet");
    this.#fill(task, editing.changes);
    this.#explain(editing);
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      if (hasMistakes({ form: this.element, title: this.#title, due: this.#due })) return;
      // A task that has to be stored anew keeps its tick, which has no field here.
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

  /** Another version was confirmed: fields not touched here show it, touched ones keep what was typed. */
  rebase(task) {
    if (task !== this.#task) this.#fill(task, this.#changes());
  }

  #fill(task, changes) {
    this.#task = task;
    this.#title.value = task?.title ?? "";
    this.#description.value = task?.description ?? "";
    Object.assign(this.#due, dueField(task?.due_date ?? null));
    // Read back: a field may hold less than the task does (line breaks, seconds), and that is no change.
    this.#initial = this.#values();
    if ("title" in changes) this.#title.value = changes.title;
    if ("description" in changes) this.#description.value = changes.description ?? "";
    if ("due_date" in changes) Object.assign(this.#due, dueField(changes.due_date));
  }

  #values() {
    return {
      title: this.#title.value,
      description: this.#description.value || null,
      due_date: dueFrom(this.#due),
    };
  }

  #changes() {
    const values = Object.entries(this.#values());
    return Object.fromEntries(values.filter(([name, value]) => value !== this.#initial[name]));
  }

  #explain({ refusal, notice }) {
    if (refusal) showErrors(this.element, refusal);
    if (!notice) return;
    const place = this.element.querySelector("[data-part=notice]");
    place.textContent = notice;
    place.hidden = false;
  }
}

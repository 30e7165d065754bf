/** One task in the list: to read and tick, in its editor, or deleted with a way back. Text is only ever set as text. */
import { describeDue } from "/static/dates.js";
import { Editor } from "/static/editor.js";

const TEMPLATE = document.getElementById("row-template");

export class Row {
  element = TEMPLATE.content.firstElementChild.cloneNode(true);
  #entry;
  #writes;
  #editor = null;
  #shownEditing = null;
  #mode = "view";
  #view = this.#part(".row-view");
  #gone = this.#part(".row-gone");
  #tick = this.#part(".tick");

  constructor(entry, writes) {
    this.#entry = entry;
    this.#writes = writes;
    this.element.classList.toggle("is-new", entry.task === null);
    this.#tick.addEventListener("change", () => writes.setCompleted(entry, this.#tick.checked));
    this.#on("edit", () => writes.openEditor(entry));
    this.#on("delete", () => writes.remove(entry));
    this.#on("undo", () => writes.undo(entry));
    this.#part(".row-text").addEventListener("click", () => {
      // Marking words with the mouse is not asking to edit them.
      if (getSelection().isCollapsed) writes.openEditor(entry);
    });
    this.update();
  }

  focus() {
    this.#focusable().focus();
  }

  update() {
    const mode = this.#entry.editing ? "editor" : { shown: "view", undo: "undo", gone: "gone" }[this.#entry.phase];
    const before = this.#mode;
    const ours = document.activeElement === document.body || this.element.contains(document.activeElement);
    this.#mode = mode;
    this.#showText();
    this.#showEditor();
    this.#view.hidden = mode !== "view";
    this.#gone.hidden = mode !== "undo";
    this.element.hidden = mode === "gone";
    // Controls change places under the hands of who uses them, but never take the focus from elsewhere.
    if (mode !== before && ours && mode !== "gone") this.#focusable(before).focus();
  }

  #focusable(before = this.#mode) {
    if (this.#mode === "editor") return this.#editor;
    if (this.#mode === "undo") return this.#action("undo");
    return { editor: this.#action("edit"), undo: this.#action("delete") }[before] ?? this.#tick;
  }

  #showText() {
    const { title, description, completed, due_date: due } = this.#entry.shown;
    this.element.classList.toggle("is-done", completed);
    this.#part(".row-title").textContent = title;
    this.#part(".row-description").textContent = description ?? "";
    this.#part(".row-gone-text").textContent = this.#mode === "undo" ? `Deleted: “${title}”` : "";
    this.#tick.checked = completed;
    this.#tick.setAttribute("aria-label", title);
    this.#action("edit").setAttribute("aria-label", `Edit ${title}`);
    this.#action("delete").setAttribute("aria-label", `Delete ${title}`);
    this.#action("undo").setAttribute("aria-label", `Undo deleting ${title}`);
    this.#showDue(due, completed);
    const saving = this.#entry.changes.length > 0;
    this.#part(".row-state").hidden = !saving;
    this.#part(".row-meta").hidden = due === null && !saving;
    this.#part(".row-error").textContent = this.#entry.error ?? "";
    this.#part(".row-error").hidden = this.#entry.error === null;
  }

  #showDue(due, completed) {
    const { text, isToday, isPast } = due === null ? {} : describeDue(due);
    const overdue = Boolean(isPast) && !completed;
    const meta = this.#part(".row-meta");
    meta.classList.toggle("is-today", Boolean(isToday) && !overdue && !completed);
    meta.classList.toggle("is-overdue", overdue);
    for (const part of meta.querySelectorAll(".due, .due-word, .due-icon")) part.toggleAttribute("hidden", due === null);
    const time = this.#part(".due");
    time.textContent = overdue ? `${text} · overdue` : text ?? "";
    if (due !== null) time.dateTime = due;
  }

  #showEditor() {
    const { editing, task } = this.#entry;
    if (editing && editing === this.#shownEditing) return this.#editor.rebase(task);
    this.#shownEditing = editing;
    this.#editor?.element.remove();
    this.#editor = editing && new Editor(task, editing, {
      save: (fields) => this.#writes.saveEditor(this.#entry, fields),
      cancel: () => this.#writes.closeEditor(this.#entry),
    });
    if (this.#editor) this.element.append(this.#editor.element);
    return undefined;
  }

  #part(selector) {
    return this.element.querySelector(selector);
  }

  #action(name) {
    return this.#part(`[data-action=${name}]`);
  }

  #on(name, act) {
    this.#action(name).addEventListener("click", act);
  }
}

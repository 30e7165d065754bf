/** One task in the list: shown, in its editor, or deleted with an undo button. Sets text as text, never as HTML. */
import { describeDue } from "./dates.js";
import { byId } from "./dom.js";
import { Editor } from "./editor.js";

/** The parts of a row that show each state of an entry. */
const MODES = { shown: "view", editing: "editor", deleted: "undo", removing: "gone" };
const TEMPLATE = byId("row-template");

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
      // A click that ends a text selection does not open the editor.
      if (getSelection().isCollapsed) writes.openEditor(entry);
    });
    this.update();
  }

  focus() {
    this.#focusable().focus();
  }

  update() {
    const mode = MODES[this.#entry.state.kind];
    const before = this.#mode;
    const mayFocus = document.activeElement === document.body || this.element.contains(document.activeElement);
    this.#mode = mode;
    this.#showText();
    this.#showEditor();
    this.#view.hidden = mode !== "view";
    this.#gone.hidden = mode !== "undo";
    this.element.hidden = mode === "gone";
    // Move the focus to the new controls, but never take it from another part of the page.
    if (mode !== before && mayFocus && mode !== "gone") this.#focusable(before).focus();
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
    const saving = this.#entry.isSaving;
    this.#part(".row-state").hidden = !saving;
    this.#part(".row-draft").hidden = this.#entry.draft === null;
    this.#part(".row-meta").hidden = due === null && !saving && this.#entry.draft === null;
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
    const { state, base } = this.#entry;
    const editing = state.kind === "editing" ? state : null;
    if (editing && editing === this.#shownEditing) return this.#editor.rebase(base, state);
    this.#shownEditing = editing;
    this.#editor?.element.remove();
    this.#editor = editing && new Editor(base, editing, {
      save: (fields) => this.#writes.saveEditor(this.#entry, fields),
      keep: (fields) => this.#writes.keepDraft(this.#entry, fields),
      leave: () => this.#writes.leaveEditor(this.#entry),
      cancel: () => this.#writes.discardDraft(this.#entry),
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

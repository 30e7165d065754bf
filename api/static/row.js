/** One task in the list: shown, in its editor, or deleted with an undo button. */
import { describeDue } from "./dates.js";
import { byId } from "./dom.js";
import { Editor } from "./editor.js";
import { beginningOf } from "./folding.js";
import { showText } from "./text.js";

/** The parts of a row that show each state of an entry. */
const MODES = { shown: "view", editing: "editor", deleted: "undo", removing: "gone" };
const TEMPLATE = byId("row-template");

export class Row {
  element = TEMPLATE.content.firstElementChild.cloneNode(true);
  /** The heading below which the row stands. */
  group = null;
  #entry;
  #writes;
  #editor = null;
  #shownEditing = null;
  #mode = "view";
  #drawn = [];
  #isUnfolded = false;
  #parts = new Map();

  constructor(entry, writes) {
    this.#entry = entry;
    this.#writes = writes;
    this.element.classList.toggle("is-new", entry.task === null);
    this.#part(".tick").addEventListener("change", (event) => writes.setCompleted(entry, event.target.checked));
    this.#part(".due-text").id = `due-${entry.key}`;
    this.element.addEventListener("click", (event) => this.#act(event.target));
    this.#holdUndo();
    this.update();
  }

  /** Focuses `preferred` if it is a control that the row shows, or else its main control. */
  focus(preferred = null) {
    const isShown = this.element.contains(preferred) && preferred.checkVisibility();
    (isShown ? preferred : this.#focusable()).focus();
  }

  toggle() {
    if (this.#mode === "view") this.#part(".tick").click();
  }

  edit() {
    if (this.#mode === "view") this.#writes.openEditor(this.#entry);
  }

  update() {
    const { task, state, writes } = this.#entry;
    const drawn = [task, state, state.conflict, ...writes];
    if (drawn.length === this.#drawn.length && drawn.every((part, index) => part === this.#drawn[index])) return;
    this.#drawn = drawn;
    const before = this.#mode;
    const mayFocus = document.activeElement === document.body || this.element.contains(document.activeElement);
    this.#mode = MODES[state.kind];
    this.#showTask();
    this.#showEditor();
    this.#part(".row-view").hidden = this.#mode !== "view";
    this.#part(".row-gone").hidden = this.#mode !== "undo";
    this.element.hidden = this.#mode === "gone";
    // Move the focus to the new controls, but never take it from another part of the page.
    if (this.#mode !== before && mayFocus && this.#mode !== "gone") this.#focusable(before).focus();
  }

  /** Updates what depends on the time. */
  updateDue() {
    const { due_date: due, completed } = this.#entry.shown;
    const { text, isToday, isPast } = due === null ? {} : describeDue(due);
    const overdue = Boolean(isPast) && !completed;
    const meta = this.#part(".row-meta");
    meta.classList.toggle("is-today", Boolean(isToday) && !overdue && !completed);
    meta.classList.toggle("is-overdue", overdue);
    this.#part(".due-text").hidden = due === null;
    // A description counts even where it is hidden.
    if (due === null) this.#part(".tick").removeAttribute("aria-describedby");
    else this.#part(".tick").setAttribute("aria-describedby", this.#part(".due-text").id);
    const time = this.#part(".due");
    const shown = overdue ? `${text} · overdue` : text ?? "";
    if (time.textContent !== shown) time.textContent = shown;
    if (due !== null) time.dateTime = due;
  }

  #focusable(before = this.#mode) {
    if (this.#mode === "editor") return this.#editor;
    if (this.#mode === "undo") return this.#action("undo");
    return { editor: this.#action("edit"), undo: this.#action("delete") }[before] ?? this.#part(".tick");
  }

  #act(target) {
    const action = target.closest("[data-action]")?.dataset.action;
    if (this.#editor?.element.contains(target) || target.closest("a")) return;
    if (action === "edit") this.edit();
    else if (action === "delete") this.#writes.remove(this.#entry);
    else if (action === "undo") this.#writes.undo(this.#entry);
    else if (action === "unfold") this.#unfold();
    // A click that ends a text selection does not open the editor.
    else if (target.closest(".row-text") && getSelection().isCollapsed) this.edit();
  }

  #showTask() {
    const { title, description, completed, due_date: due } = this.#entry.shown;
    this.element.classList.toggle("is-done", completed);
    showText(this.#part(".row-title"), title);
    this.#showDescription(description ?? "");
    this.#part(".row-gone-text").textContent = this.#mode === "undo" ? `Deleted: “${title}”` : "";
    this.#part(".tick").checked = completed;
    this.#part(".tick").setAttribute("aria-label", title);
    this.#action("edit").setAttribute("aria-label", `Edit ${title}`);
    this.#action("delete").setAttribute("aria-label", `Delete ${title}`);
    this.#action("undo").setAttribute("aria-label", `Undo deleting ${title}`);
    this.updateDue();
    this.#part(".row-state").hidden = !this.#entry.isSaving;
    this.#part(".row-draft").hidden = this.#entry.draft === null;
    this.#part(".row-meta").hidden = due === null && !this.#entry.isSaving && this.#entry.draft === null;
    this.#part(".row-error").textContent = this.#entry.error ?? "";
    this.#part(".row-error").hidden = this.#entry.error === null;
  }

  #showDescription(text) {
    const beginning = beginningOf(text);
    const isFolded = beginning !== null && !this.#isUnfolded;
    showText(this.#part(".row-description"), isFolded ? `${beginning}…` : text);
    const button = this.#action("unfold");
    button.hidden = beginning === null;
    button.setAttribute("aria-expanded", String(!isFolded));
    button.textContent = isFolded ? "Show all" : "Show less";
  }

  #unfold() {
    this.#isUnfolded = !this.#isUnfolded;
    this.#showDescription(this.#entry.shown.description);
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

  /** Nobody loses the undo button while the focus or the pointer is on it. */
  #holdUndo() {
    const gone = this.#part(".row-gone");
    let isPointed = false;
    const check = () => {
      if (isPointed || gone.contains(document.activeElement)) this.#writes.holdUndo(this.#entry);
      else this.#writes.releaseUndo(this.#entry);
    };
    for (const [type, pointed] of [["pointerenter", true], ["pointerleave", false]]) {
      gone.addEventListener(type, () => {
        isPointed = pointed;
        check();
      });
    }
    gone.addEventListener("focusin", check);
    gone.addEventListener("focusout", check);
  }

  #part(selector) {
    if (!this.#parts.has(selector)) this.#parts.set(selector, this.element.querySelector(selector));
    return this.#parts.get(selector);
  }

  #action(name) {
    return this.#part(`[data-action=${name}]`);
  }
}

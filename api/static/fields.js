/** Shows error messages at their form fields. Used by every form of the page. */

let ids = 0;

/** Gives fields from a template unique ids, and connects their labels. */
export function connectLabels(form) {
  for (const field of form.querySelectorAll(".field")) {
    const control = field.querySelector("input, textarea");
    control.id = freshId();
    field.querySelector("label").htmlFor = control.id;
  }
}

/** Shows an error's details at their fields and the rest at the top of the form. Focuses the first invalid field. */
export function showErrors(form, { message, fields = new Map() }) {
  clearErrors(form);
  const unplaced = [];
  for (const [name, text] of fields) {
    const control = form.elements.namedItem(name);
    if (control) mark(control, text);
    else unplaced.push(`${name}: ${text}`);
  }
  const placed = fields.size > unplaced.length;
  if (!placed || unplaced.length > 0) {
    const summary = form.querySelector(".form-error");
    summary.textContent = [placed ? null : message, ...unplaced].filter(Boolean).join(" ");
    summary.hidden = false;
  }
  form.querySelector("[aria-invalid]")?.focus();
}

export function clearErrors(form) {
  for (const text of form.querySelectorAll(".field-error, .form-error")) {
    text.hidden = true;
    text.textContent = "";
  }
  for (const control of form.querySelectorAll("[aria-invalid]")) {
    control.removeAttribute("aria-invalid");
    control.removeAttribute("aria-describedby");
  }
}

/** Checks the title and the date before a request is sent, and shows mistakes at the fields. */
export function hasMistakes({ form, title, due }) {
  const mistakes = new Map();
  if (title.value.trim() === "") mistakes.set("title", "Title is required");
  if (due.validity.badInput) mistakes.set("due_date", "This date is not complete");
  if (mistakes.size > 0) showErrors(form, { fields: mistakes });
  return mistakes.size > 0;
}

/** Ctrl+Enter or ⌘+Enter submits the form, also from a multi-line field. */
export function submitByKeyboard(form) {
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
}

function mark(control, text) {
  const message = control.closest(".field").querySelector(".field-error");
  message.id ||= freshId();
  message.textContent = text;
  message.hidden = false;
  control.setAttribute("aria-invalid", "true");
  control.setAttribute("aria-describedby", message.id);
}

/** An id or a name that nothing else on the page has. */
export function freshId() {
  return `part-${(ids += 1)}`;
}

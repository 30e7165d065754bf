/** The service's words at the fields they are about. Shared by every form of the page. */

let ids = 0;

/** Labels and fields that come from a template get ids of their own, and so belong together. */
export function connectLabels(form) {
  for (const field of form.querySelectorAll(".field")) {
    const control = field.querySelector("input, textarea");
    control.id = freshId();
    field.querySelector("label").htmlFor = control.id;
  }
}

/** Shows `error`: its details at their fields, everything else at the top of the form; focuses the first field at fault. */
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

/** What the page itself can tell is wrong before sending: no title, half a date. Shown at the fields. */
export function hasMistakes({ form, title, due }) {
  const mistakes = new Map();
  if (title.value.trim() === "") mistakes.set("title", "Title is required");
  if (due.validity.badInput) mistakes.set("due_date", "This date is not complete");
  if (mistakes.size > 0) showErrors(form, { fields: mistakes });
  return mistakes.size > 0;
}

/** Ctrl+Enter or ⌘+Enter submits from a field in which Enter means a new line. */
export function submitByKeyboard(form) {
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
}

function mark(control, text) {
  const place = control.closest(".field").querySelector(".field-error");
  place.id ||= freshId();
  place.textContent = text;
  place.hidden = false;
  control.setAttribute("aria-invalid", "true");
  control.setAttribute("aria-describedby", place.id);
}

function freshId() {
  return `part-${(ids += 1)}`;
}

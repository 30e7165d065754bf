/** Creates elements. Text becomes text nodes, so nothing of the document is read as markup. */

export function element(name, properties = {}, ...children) {
  const created = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (key in created) created[key] = value;
    else created.setAttribute(key, value);
  }
  created.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return created;
}

/** Paragraphs and lists of a description. In them only `code` has a meaning. */
export function prose(text = "") {
  return text
    .trim()
    .split(/\n{2,}/)
    .filter(Boolean)
    .map((block) =>
      block.startsWith("- ")
        ? element("ul", {}, block.split("\n").map((line) => element("li", {}, inline(line.slice(2)))))
        : element("p", {}, inline(block)),
    );
}

/** The parts of a line: text, and `code` elements. */
export function inline(text = "") {
  return text.split("`").map((part, index) => (index % 2 ? element("code", {}, part) : part));
}

export const json = (value) => JSON.stringify(value, null, 2);

/** A block of code that wraps, so that it never scrolls sideways. */
export const code = (text, label) => element("pre", label ? { role: "group", ariaLabel: label } : {}, element("code", {}, text));

let last = 0;

/** An id for a field and its label. */
export const newId = () => `field-${++last}`;

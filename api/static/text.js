/** Puts a user's text into an element: as text, never as HTML, with its links clickable. */
import { splitLinks } from "./links.js";

export function showText(element, text) {
  element.replaceChildren(...splitLinks(text).map(({ text: words, href }) => (href ? link(words, href) : words)));
}

function link(words, href) {
  return Object.assign(document.createElement("a"), { textContent: words, href, target: "_blank", rel: "noopener noreferrer" });
}

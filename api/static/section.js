/** One part of the list: a heading, if the list is grouped, and its rows. */
import { byId } from "./dom.js";
import { freshId } from "./fields.js";

const TEMPLATE = byId("section-template");

export class Section {
  element = TEMPLATE.content.firstElementChild.cloneNode(true);
  #list = this.element.querySelector(".tasks");

  /** `title` is null for a list that is not grouped. */
  constructor(name, title) {
    this.element.dataset.group = name;
    if (title === null) return;
    const heading = this.element.querySelector(".group-title");
    heading.textContent = title;
    heading.hidden = false;
    this.element.classList.add("has-title");
    heading.id = freshId();
    this.element.setAttribute("aria-labelledby", heading.id);
  }

  /** Shows exactly these rows. Moves only those that are not in their place. */
  arrange(elements) {
    let next = this.#list.firstElementChild;
    for (const element of elements) {
      // One row that goes down would otherwise move all rows above its new place.
      if (next !== element && next?.nextElementSibling === element) next = this.#sendToEnd(next);
      if (next === element) next = next.nextElementSibling;
      else this.#list.insertBefore(element, next);
    }
    this.showIfUsed();
  }

  /** A heading without visible rows is hidden. */
  showIfUsed() {
    this.element.hidden = this.#list.querySelector(":scope > :not([hidden])") === null;
  }

  #sendToEnd(row) {
    const next = row.nextElementSibling;
    this.#list.append(row);
    return next;
  }
}

/** A field that was changed here and elsewhere: shows both values, and takes the one that is chosen. */
import { describeDue } from "./dates.js";
import { byId } from "./dom.js";
import { freshId } from "./fields.js";

const TEMPLATE = byId("choice-template");
const LABELS = { title: "title", description: "description", due_date: "due date" };

/** `mine` and `theirs` as the API has them. `choose` is called with the chosen one. */
export function choiceElement(name, { mine, theirs }, choose) {
  const element = TEMPLATE.content.firstElementChild.cloneNode(true);
  element.querySelector("legend").textContent = `Which ${LABELS[name]} do you want to keep?`;
  const group = freshId();
  for (const [index, value] of [mine, theirs].entries()) {
    element.querySelectorAll("input")[index].name = group;
    element.querySelectorAll(".choice-text")[index].textContent = textOf(name, value);
  }
  element.addEventListener("change", (event) => {
    event.stopPropagation();
    choose(event.target.value === "mine" ? mine : theirs);
  });
  return element;
}

function textOf(name, value) {
  if (value === null || value === "") return "None";
  return name === "due_date" ? describeDue(value).text : value;
}

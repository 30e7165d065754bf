/** Single keys for what one does often. They can be switched off (WCAG 2.1.4), and never act while somebody types. */
import { byId } from "./dom.js";

const KEY = "tasks.shortcuts";
const TYPING = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio])";

export class Shortcuts {
  #dialog = byId("shortcuts");
  #switch = byId("shortcuts-on");
  #actions;

  /** `actions` maps each key to what it does. */
  constructor(device, actions) {
    this.#actions = { ...actions, "?": () => this.#dialog.showModal() };
    this.#switch.checked = device.read(KEY) !== "off";
    this.#switch.addEventListener("change", () => device.write(KEY, this.#switch.checked ? null : "off"));
    byId("show-shortcuts").addEventListener("click", () => this.#dialog.showModal());
    byId("close-shortcuts").addEventListener("click", () => this.#dialog.close());
    document.addEventListener("keydown", (event) => this.#press(event));
  }

  #press(event) {
    const { key, target, ctrlKey, metaKey, altKey, isComposing } = event;
    if (ctrlKey || metaKey || altKey || isComposing || event.defaultPrevented) return;
    if (!this.#switch.checked || this.#dialog.open || byId("work").hidden) return;
    if (!Object.hasOwn(this.#actions, key) || target.closest(TYPING)) return;
    event.preventDefault();
    this.#actions[key]();
  }
}

/**
 * The view in the URL. The device remembers filter and sort for a URL that names no view; the searched words it does not.
 */
import { randomName } from "./random.js";
import { DEFAULT_VIEW, queryStringOf, viewOf } from "./views.js";

const KEY = "tasks.view";

export class Address {
  view;
  #device;
  /** Names one person's part of the history: the next person does not get the words in it. */
  #part = history.state?.part ?? randomName();

  /** Calls `show` with the view after the browser went back or forward. */
  constructor(device, show) {
    this.#device = device;
    this.view = viewOf(location.search || (device.read(KEY) ?? ""));
    this.#write("replaceState");
    window.addEventListener("popstate", () => {
      this.view = viewOf(location.search);
      if (history.state?.part !== this.#part) this.forgetSearch();
      show(this.view);
    });
  }

  /** Adds a step to the history, except while a search is typed. */
  go(view) {
    const isTyping = view.search !== "" && this.view.search !== "";
    if (queryStringOf(view) === queryStringOf(this.view)) return;
    this.view = view;
    this.#device.write(KEY, queryStringOf({ ...view, search: DEFAULT_VIEW.search }));
    this.#write(isTyping ? "replaceState" : "pushState");
  }

  /** For the end of a session. */
  endPart() {
    this.#part = randomName();
    this.forgetSearch();
  }

  forgetSearch() {
    this.view = { ...this.view, search: DEFAULT_VIEW.search };
    this.#write("replaceState");
  }

  #write(method) {
    history[method]({ part: this.#part }, "", location.pathname + queryStringOf(this.view) + location.hash);
  }
}

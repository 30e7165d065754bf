/**
 * The view in the URL. The device remembers filter and sort for a URL that names no view; the searched words it does not.
 */
import { DEFAULT_VIEW, queryStringOf, viewOf } from "./views.js";

const KEY = "tasks.view";

export class Address {
  view;
  /** Names the user's stretch of the history: whoever comes next does not get the words of it. */
  #stretch = history.state?.stretch ?? newStretch();

  /** Calls `show` with the view after the browser went back or forward. */
  constructor(show) {
    this.view = viewOf(location.search || remembered());
    this.#write("replaceState");
    window.addEventListener("popstate", () => {
      this.view = viewOf(location.search);
      if (history.state?.stretch !== this.#stretch) this.forgetSearch();
      show(this.view);
    });
  }

  /** Adds a step to the history, except while a search is typed. */
  go(view) {
    const isTyping = view.search !== "" && this.view.search !== "";
    if (queryStringOf(view) === queryStringOf(this.view)) return;
    this.view = view;
    remember(queryStringOf({ ...view, search: DEFAULT_VIEW.search }));
    this.#write(isTyping ? "replaceState" : "pushState");
  }

  /** For the end of a session. */
  endStretch() {
    this.#stretch = newStretch();
    this.forgetSearch();
  }

  forgetSearch() {
    this.view = { ...this.view, search: DEFAULT_VIEW.search };
    this.#write("replaceState");
  }

  #write(method) {
    history[method]({ stretch: this.#stretch }, "", location.pathname + queryStringOf(this.view) + location.hash);
  }
}

function newStretch() {
  return Math.random();
}

/* A browser may block storage: the page then begins with the default view. */

function remembered() {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

function remember(queryString) {
  try {
    localStorage.setItem(KEY, queryString);
  } catch {
    // The next page then begins with the default view.
  }
}

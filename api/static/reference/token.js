/** The token that the page of this origin keeps, and the field that shows it. */

const KEY = "tasks.session";

/** `{token, user}` of the session in this tab, or else of the one that the browser remembers; null without one. */
function session() {
  for (const storage of ["sessionStorage", "localStorage"]) {
    try {
      const state = JSON.parse(window[storage].getItem(KEY));
      if (state?.token) return state;
    } catch {
      // The browser blocks storage, or another program has written there.
    }
  }
  return null;
}

export class TokenField {
  #input = document.getElementById("token");
  #source = document.getElementById("token-source");

  constructor() {
    this.#input.addEventListener("input", () => this.#explain(""));
    this.#read();
    // Another tab may have logged in, out, or renewed the token.
    window.addEventListener("focus", () => this.#fromPage && this.#read());
  }

  #fromPage = true;

  get value() {
    return this.#input.value.trim().replace(/^bearer\s+/i, "");
  }

  /** Keep a token that a call here has returned. */
  take(token) {
    this.#input.value = token;
    this.#explain("From the last call.");
  }

  #read() {
    const state = session();
    this.#input.value = state?.token ?? "";
    this.#explain(
      state
        ? `From the page: logged in as ${state.user?.label ?? "a user"}.`
        : "Log in on the page, call POST /auth/login here, or paste a token.",
    );
    this.#fromPage = true;
  }

  #explain(text) {
    this.#source.textContent = text;
    this.#fromPage = false;
  }
}

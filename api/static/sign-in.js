/** The forms to log in and to register or, if another server keeps the accounts, to paste its token. */
import { describeError, Unreachable } from "./api.js";
import { byId } from "./dom.js";
import { clearErrors, showErrors } from "./fields.js";

const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

const TEXTS = {
  logIn: { title: "Log in", question: "New here?", other: "Create an account", autocomplete: "current-password" },
  register: { title: "Create an account", question: "Have an account?", other: "Log in", autocomplete: "new-password" },
};

export class SignIn {
  #client;
  #session;
  #announcer;
  #mode = "logIn";
  #request = new AbortController();
  #section = byId("sign-in");
  #account = byId("account-form");
  #tokenForm = byId("token-form");
  #hasAccounts = document.documentElement.dataset.localAccounts === "true";

  constructor({ client, session, announcer }) {
    this.#client = client;
    this.#session = session;
    this.#announcer = announcer;
    this.#account.hidden = !this.#hasAccounts;
    this.#tokenForm.hidden = this.#hasAccounts;
    this.#account.addEventListener("submit", (event) => this.#submitAccount(event));
    this.#tokenForm.addEventListener("submit", (event) => this.#submitToken(event));
    byId("switch-mode").addEventListener("click", () => {
      this.#setMode(this.#mode === "logIn" ? "register" : "logIn");
      this.#account.elements.email.focus();
    });
    this.#setMode("logIn");
  }

  /** `notice` says why a running session ended. */
  show(notice) {
    this.#section.hidden = false;
    this.#setMode("logIn");
    byId("sign-in-notice").textContent = notice ?? "";
    byId("sign-in-notice").hidden = !notice;
    if (notice) this.#announcer.alert(notice);
  }

  hide() {
    this.#section.hidden = true;
  }

  focus() {
    const field = this.#hasAccounts ? this.#account.elements.email : this.#tokenForm.elements.token;
    field.focus();
  }

  #setMode(mode) {
    this.#request.abort();
    this.#mode = mode;
    const { title, question, other, autocomplete } = TEXTS[mode];
    byId("sign-in-title").textContent = this.#hasAccounts ? title : "Log in";
    byId("switch-question").textContent = question;
    byId("switch-mode").textContent = other;
    this.#account.querySelector("[type=submit]").textContent = title;
    this.#account.elements.password.autocomplete = autocomplete;
    this.#account.querySelector("[data-only=register]").hidden = mode !== "register";
    clearErrors(this.#account);
  }

  async #submitAccount(event) {
    event.preventDefault();
    const { email, password, name } = this.#account.elements;
    const fields = { email: email.value.trim(), password: password.value };
    if (this.#mode === "register" && name.value.trim() !== "") fields.name = name.value.trim();
    // A second submission replaces one that still waits.
    this.#request.abort();
    const { signal } = (this.#request = new AbortController());
    clearErrors(this.#account);
    try {
      const { token, user } = await this.#client[this.#mode](fields, signal);
      this.#account.reset();
      this.#session.start(token, user);
    } catch (error) {
      if (error.name === "AbortError") return;
      const shown = error instanceof Unreachable ? { message: `${error.message} Please try again.` } : error;
      showErrors(this.#account, shown);
      this.#announcer.alert(describeError(shown));
    }
  }

  #submitToken(event) {
    event.preventDefault();
    const field = this.#tokenForm.elements.token;
    const token = field.value.trim().replace(/^bearer\s+/i, "");
    if (!JWT.test(token)) {
      const message = "A token has three parts, separated by dots.";
      showErrors(this.#tokenForm, { fields: new Map([["token", message]]) });
      return;
    }
    clearErrors(this.#tokenForm);
    this.#tokenForm.reset();
    this.#session.start(token);
  }
}

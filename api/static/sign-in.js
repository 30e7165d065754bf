/** The form to log in and to register. If another server keeps the accounts, token-form.js takes its place. */
import { describeError, Unreachable } from "./api.js";
import { byId } from "./dom.js";
import { clearErrors, showErrors } from "./fields.js";

/** The name of the source that renews tokens of local accounts. */
export const ACCOUNT_SOURCE = "account";

const TEXTS = {
  logIn: { title: "Log in", busy: "Logging in…", question: "New here?", other: "Create an account", autocomplete: "current-password" },
  register: { title: "Create an account", busy: "Creating the account…", question: "Have an account?", other: "Log in", autocomplete: "new-password" },
};

export class SignIn {
  #client;
  #session;
  #announcer;
  #mode = "logIn";
  #isBusy = false;
  #request = new AbortController();
  #section = byId("sign-in");
  #account = byId("account-form");
  #submit = this.#account.querySelector("[type=submit]");
  #tokenForm;
  #hasAccounts = document.documentElement.dataset.localAccounts === "true";

  /** `tokenForm` signs in those whose account another server keeps. */
  constructor({ client, session, announcer, tokenForm }) {
    this.#client = client;
    this.#session = session;
    this.#announcer = announcer;
    this.#tokenForm = tokenForm;
    this.#account.hidden = !this.#hasAccounts;
    this.#account.addEventListener("submit", (event) => this.#submitAccount(event));
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
    this.#tokenForm?.show();
  }

  /** The person may have signed in elsewhere meanwhile. */
  comeBack() {
    if (!this.#section.hidden) this.#tokenForm?.show();
  }

  hide() {
    this.#stop();
    this.#section.hidden = true;
  }

  focus() {
    if (this.#tokenForm) this.#tokenForm.focus();
    else this.#account.elements.email.focus();
  }

  #setMode(mode) {
    this.#stop();
    this.#mode = mode;
    const { title, question, other, autocomplete } = TEXTS[mode];
    byId("sign-in-title").textContent = this.#hasAccounts ? title : "Log in";
    byId("switch-question").textContent = question;
    byId("switch-mode").textContent = other;
    this.#submit.textContent = title;
    this.#account.elements.password.autocomplete = autocomplete;
    this.#account.querySelector("[data-only=register]").hidden = mode !== "register";
    clearErrors(this.#account);
  }

  /** Aborts a request that is under way. */
  #stop() {
    this.#request.abort();
    this.#request = new AbortController();
    this.#setBusy(false);
  }

  /** Not `disabled`: the button would lose the focus. */
  #setBusy(busy) {
    const { title, busy: busyTitle } = TEXTS[this.#mode];
    this.#isBusy = busy;
    this.#account.setAttribute("aria-busy", String(busy));
    this.#submit.setAttribute("aria-disabled", String(busy));
    this.#submit.textContent = busy ? busyTitle : title;
  }

  async #submitAccount(event) {
    event.preventDefault();
    if (this.#isBusy) return;
    const { email, password, name } = this.#account.elements;
    const fields = { email: email.value.trim(), password: password.value };
    if (this.#mode === "register" && name.value.trim() !== "") fields.name = name.value.trim();
    const { signal } = this.#request;
    this.#setBusy(true);
    clearErrors(this.#account);
    try {
      const { token, user } = await this.#client[this.#mode](fields, signal);
      const remember = this.#account.elements.remember.checked;
      this.#stop();
      this.#account.reset();
      this.#session.start(token, { account: user, remember, source: ACCOUNT_SOURCE });
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#setBusy(false);
      const shown = error instanceof Unreachable ? { message: `${error.message} Please try again.` } : error;
      showErrors(this.#account, shown);
      this.#announcer.alert(describeError(shown));
    }
  }
}

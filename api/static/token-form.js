/** The sign-in of people whose account another server keeps: the link to it, its token, or a token to paste. */
import { describeError, ErrorResponse } from "./api.js";
import { byId } from "./dom.js";
import { clearErrors, showErrors } from "./fields.js";
import { ISSUER_SOURCE } from "./issuer.js";

const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

export class TokenForm {
  #client;
  #session;
  #announcer;
  #issuer;
  #isBusy = false;
  #isLooking = false;
  #form = byId("token-form");
  #status = byId("issuer-status");
  #link = byId("issuer-link");

  constructor({ client, session, announcer, issuer }) {
    this.#client = client;
    this.#session = session;
    this.#announcer = announcer;
    this.#issuer = issuer;
    byId("token-sign-in").hidden = false;
    if (issuer.base) byId("auth-base").textContent = issuer.base;
    byId("token-box").open = issuer.signInLink("") === null;
    this.#form.addEventListener("submit", (event) => this.#submit(event));
    this.#link.addEventListener("click", () => issuer.resume());
  }

  /** Look for a session at the issuer: when the form appears, and when the person comes back to the page. */
  async show() {
    const link = this.#issuer.signInLink(location.href.replace(/#.*/, ""));
    this.#link.hidden = link === null;
    if (link) this.#link.href = link;
    if (!this.#issuer.isReady || this.#isBusy || this.#isLooking) return;
    this.#isLooking = true;
    try {
      const token = await this.#issuer.renew();
      await this.#client.check(token);
      // A token that the person has pasted meanwhile counts more.
      if (!this.#isBusy && !this.#session.token) this.#session.start(token, { source: ISSUER_SOURCE });
    } catch (error) {
      this.#status.textContent = this.#explain(error);
    } finally {
      this.#isLooking = false;
    }
  }

  focus() {
    if (this.#link.hidden) this.#form.elements.token.focus();
    else this.#link.focus();
  }

  #explain(error) {
    if (error.code) return `You are signed in, but this service says: ${error.message}.`;
    if (error instanceof ErrorResponse) return "Sign in where your account is. Your tasks then open here.";
    return `Whether you are signed in is not known: ${new URL(this.#issuer.base).host} does not respond to this page.`;
  }

  /** The token stays in its field until the service has accepted it. */
  async #submit(event) {
    event.preventDefault();
    if (this.#isBusy) return;
    const { token: field, remember } = this.#form.elements;
    const token = field.value.trim().replace(/^bearer\s+/i, "");
    clearErrors(this.#form);
    if (!JWT.test(token)) {
      showErrors(this.#form, { fields: new Map([["token", "A token has three parts, separated by dots."]]) });
      return;
    }
    this.#isBusy = true;
    try {
      await this.#client.check(token);
      const keep = remember.checked;
      this.#form.reset();
      this.#session.start(token, { remember: keep });
    } catch (error) {
      const shown = error.status === 401 ? { fields: new Map([["token", `${error.message}.`]]) } : error;
      showErrors(this.#form, shown);
      this.#announcer.alert(describeError(shown));
    } finally {
      this.#isBusy = false;
    }
  }
}

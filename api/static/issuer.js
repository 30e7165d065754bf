/**
 * Tokens of the server that keeps the accounts, for the session that this browser has there (`TOKEN_URL`). They never
 * travel in a URL. It is a source of renewal.js: it gives a token also after the old one has expired.
 */
import { ErrorResponse, Unreachable } from "./api.js";
import { lifetimeOf, userOf } from "./token-claims.js";

export const ISSUER_SOURCE = "issuer";
const PAUSED = "tasks.issuer-paused";
const TIMEOUT_MS = 15_000;

export class Issuer {
  outlivesToken = true;
  #tokenUrl;
  #signInUrl;
  #device;
  #fetched = { token: null, at: 0 };

  /** Both URLs may be empty. `device` is a JsonStorage: a log-out here lasts until the person asks to sign in again. */
  constructor({ tokenUrl, signInUrl }, device) {
    this.#tokenUrl = tokenUrl;
    this.#signInUrl = signInUrl;
    this.#device = device;
  }

  /** The page to sign in, which leads back to `returnUrl` if it takes such a parameter; null if none is known. */
  signInLink(returnUrl) {
    return this.#signInUrl ? this.#signInUrl.replaceAll("{return_url}", encodeURIComponent(returnUrl)) : null;
  }

  /** Where the tokens are from, without the last part of the path; null if that is not known. */
  get base() {
    return this.#tokenUrl ? this.#tokenUrl.replace(/\/[^/]*$/, "") : null;
  }

  /** Whether a token can be fetched, and the person has not logged out here. */
  get isReady() {
    return Boolean(this.#tokenUrl) && !this.#device.read(PAUSED);
  }

  pause() {
    if (this.#tokenUrl) this.#device.write(PAUSED, true);
  }

  resume() {
    this.#device.write(PAUSED, null);
  }

  /**
   * @param {string | null} old the token to replace; the new one must be of the same person
   * @throws {ErrorResponse} 401 without a session there
   * @throws {Unreachable} also if the server does not allow this page to call it
   */
  async renew(old = null) {
    const { token, at } = this.#fetched;
    // The service rejects even new tokens. Another one would not help.
    if (old !== null && old === token && Date.now() - at < lifetimeOf(old) / 2) throw refusal("The token is not accepted");
    const fresh = await this.#fetch();
    if (old !== null && userOf(fresh).id !== userOf(old).id) throw refusal("Another person has signed in");
    this.#fetched = { token: fresh, at: Date.now() };
    return fresh;
  }

  async #fetch() {
    let response;
    let body;
    try {
      response = await fetch(this.#tokenUrl, {
        credentials: "include",
        cache: "no-store",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      body = response.ok ? await response.json() : null;
    } catch {
      throw new Unreachable();
    }
    if (!response.ok) throw new ErrorResponse(response.status, { message: "You are not signed in" }, null);
    if (typeof body?.token !== "string") throw refusal("The server sent no token");
    return body.token;
  }
}

const refusal = (message) => new ErrorResponse(401, { message }, null);

/**
 * Who is logged in: the token and what to call its user, kept for this tab only (sessionStorage).
 * Fires "start", and "end" with `detail` = why (null after a log out).
 */

const KEY = "tasks.session";

export class Session extends EventTarget {
  #state = restore();
  #closing = new AbortController();

  get token() {
    return this.#state?.token ?? null;
  }

  /** `{id, label}` of the user, or null. */
  get user() {
    return this.#state?.user ?? null;
  }

  /** Aborted at log out: nothing that waits may be sent in the next user's time. */
  get signal() {
    return this.#closing.signal;
  }

  start(token, account = null) {
    const claims = claimsOf(token);
    const id = account?.id ?? claims.user_id ?? claims.sub ?? "";
    const who = account ?? claims;
    this.#state = { token, user: { id: String(id), label: String(who.name || who.email || id) } };
    remember(this.#state);
    this.dispatchEvent(new Event("start"));
  }

  logOut() {
    this.#closing.abort();
    this.#closing = new AbortController();
    this.#end(null);
  }

  /** The service no longer takes `token`; late answers to an older token change nothing. */
  expire(token, reason) {
    if (token !== null && token === this.token) this.#end(reason);
  }

  #end(reason) {
    this.#state = null;
    remember(null);
    this.dispatchEvent(new CustomEvent("end", { detail: reason }));
  }
}

/** What a JWT says about its user, to greet by; it is the service that verifies it. */
function claimsOf(token) {
  try {
    const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    return Object(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return {};
  }
}

/* A browser may forbid storage: the session then lives as long as the page. */

function restore() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}

function remember(state) {
  try {
    if (state) sessionStorage.setItem(KEY, JSON.stringify(state));
    else sessionStorage.removeItem(KEY);
  } catch {
    // Nothing to do: see above.
  }
}

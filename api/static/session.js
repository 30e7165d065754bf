/**
 * The session: the token and its user, kept for this tab only (sessionStorage).
 * Fires "start", and "end" with the reason as `detail` (null after a log out).
 */

const KEY = "tasks.session";

export class Session extends EventTarget {
  #state = restore();
  #requests = new AbortController();

  get token() {
    return this.#state?.token ?? null;
  }

  /** `{id, label}` of the user, or null. */
  get user() {
    return this.#state?.user ?? null;
  }

  /** Aborted at log out, so that no waiting request is sent with the next user's token. */
  get signal() {
    return this.#requests.signal;
  }

  start(token, account = null) {
    const claims = claimsOf(token);
    const id = account?.id ?? claims.user_id ?? claims.sub ?? "";
    const user = account ?? claims;
    this.#state = { token, user: { id: String(id), label: String(user.name || user.email || id) } };
    store(this.#state);
    this.dispatchEvent(new Event("start"));
  }

  logOut() {
    this.#requests.abort();
    this.#requests = new AbortController();
    this.#end(null);
  }

  /** Ends the session after a 401. A late response to an older token changes nothing. */
  expire(token, reason) {
    if (token !== null && token === this.token) this.#end(reason);
  }

  #end(reason) {
    this.#state = null;
    store(null);
    this.dispatchEvent(new CustomEvent("end", { detail: reason }));
  }
}

/** The claims of a JWT, unverified, to show the user's name; the service verifies tokens. */
function claimsOf(token) {
  try {
    const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    return Object(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return {};
  }
}

/* A browser may block storage: the session then ends with the page. */

function restore() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}

function store(state) {
  try {
    if (state) sessionStorage.setItem(KEY, JSON.stringify(state));
    else sessionStorage.removeItem(KEY);
  } catch {
    // The session then ends with the page.
  }
}

/** What a JWT says. Unverified: to show the user's name and to renew in time; the service verifies tokens. */

export function claimsOf(token) {
  try {
    const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    return Object(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return {};
  }
}

/** `{id, label}` of a token's user. `account` is the user as a log-in returns it, if known. */
export function userOf(token, account = null) {
  const claims = claimsOf(token);
  const id = account?.id ?? claims.user_id ?? claims.sub ?? "";
  const { name, email } = account ?? claims;
  return { id: String(id), label: String(name || email || id) };
}

/** How long a token is valid from its issue, in milliseconds; null if it does not say. */
export function lifetimeOf(token) {
  const { iat, exp } = claimsOf(token);
  return typeof iat === "number" && typeof exp === "number" && exp > iat ? (exp - iat) * 1000 : null;
}

// The calls of this frontend to its backend. The page's address names the backend: ?api=http://127.0.0.1:8000
const API = new URL(location.href).searchParams.get("api");

export class SignedOut extends Error {}

async function call(method, path, body) {
  const response = await fetch(API + path, {
    method,
    credentials: "include",
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body && JSON.stringify(body),
  });
  const parsed = await response.json();
  if (response.status === 401) throw new SignedOut(parsed.error);
  if (!parsed.success) throw new Error(parsed.error);
  return parsed.data;
}

export const signUp = (form) => call("POST", "/api/auth/sign-up", form);
export const signIn = (form) => call("POST", "/api/auth/sign-in", form);
export const signOut = () => call("POST", "/api/auth/sign-out");
export const whoAmI = () => call("GET", "/api/auth/session");
export const list = () => call("GET", "/api/errands?orderBy=newest");
export const create = (errand) => call("POST", "/api/errands", errand);
export const setState = (id, state) => call("POST", `/api/errands/${id}/state`, { state });
export const remove = (id) => call("DELETE", `/api/errands/${id}`);

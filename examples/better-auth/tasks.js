// For the browser: calls the task service as the signed-in user, and gets a new token when the old one has expired.
import { createAuthClient } from "better-auth/client";
import { jwtClient } from "better-auth/client/plugins";

export function createTaskClient(authUrl, tasksUrl) {
  const authClient = createAuthClient({ baseURL: authUrl, plugins: [jwtClient()] });
  let token; // a promise, so that concurrent calls share one token; in memory only, since the session outlives the page

  function renewToken() {
    const renewed = authClient.token().then(({ data, error }) => {
      if (error) throw new Error("Sign in first", { cause: error });
      return data.token;
    });
    renewed.catch(() => discard(renewed));
    return (token = renewed);
  }

  function discard(stale) {
    if (token === stale) token = undefined;
  }

  function send(path, init, bearer) {
    const headers = new Headers(init.headers);
    headers.set("Authorization", `Bearer ${bearer}`);
    return fetch(new URL(path, tasksUrl), { ...init, headers });
  }

  async function taskFetch(path, init = {}) {
    const current = token ?? renewToken();
    const response = await send(path, init, await current);
    if (response.status !== 401) return response;
    const { error } = await response.clone().json();
    if (error.code !== "TOKEN_EXPIRED") return response;
    discard(current);
    return send(path, init, await (token ?? renewToken()));
  }

  async function signOut() {
    token = undefined; // otherwise the page's next user would call with the last user's token
    return authClient.signOut();
  }

  return { authClient, taskFetch, signOut };
}

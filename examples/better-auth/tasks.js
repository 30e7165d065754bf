// For the browser: calls the task service as the signed-in user, with a new token whenever the old one has expired.
import { createAuthClient } from "better-auth/client";
import { jwtClient } from "better-auth/client/plugins";

export function createTaskClient(authUrl, tasksUrl) {
  const authClient = createAuthClient({ baseURL: authUrl, plugins: [jwtClient()] });
  let token; // a promise, so that calls at the same time share one; in memory only, as the session outlives the page

  function renewToken() {
    const renewed = authClient.token().then(({ data, error }) => {
      if (error) throw new Error("Sign in first", { cause: error });
      return data.token;
    });
    renewed.catch(() => forget(renewed));
    return (token = renewed);
  }

  function forget(used) {
    if (token === used) token = undefined;
  }

  function send(path, init, bearer) {
    const headers = new Headers(init.headers);
    headers.set("Authorization", `Bearer ${bearer}`);
    return fetch(new URL(path, tasksUrl), { ...init, headers });
  }

  async function taskFetch(path, init = {}) {
    const used = token ?? renewToken();
    const response = await send(path, init, await used);
    if (response.status !== 401) return response;
    const { error } = await response.clone().json();
    if (error.code !== "TOKEN_EXPIRED") return response;
    forget(used);
    return send(path, init, await (token ?? renewToken()));
  }

  async function signOut() {
    token = undefined; // or the next user of this page would be the last one
    return authClient.signOut();
  }

  return { authClient, taskFetch, signOut };
}

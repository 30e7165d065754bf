/** Registers the service worker, and asks for a newer one when the page is looked at again. */

const WORKER = new URL("../service-worker.js", import.meta.url).href;
const CHECK_AFTER_MS = 3_600_000;

/** A browser with Trusted Types takes a worker's URL only from a policy, and this policy makes this URL alone. */
const policy = window.trustedTypes?.createPolicy("worker", { createScriptURL: () => WORKER });

export async function install() {
  if (!navigator.serviceWorker) return;
  let registration;
  try {
    registration = await navigator.serviceWorker.register(policy?.createScriptURL("") ?? WORKER, { updateViaCache: "none" });
  } catch {
    return; // The browser forbids it, or the service is away. The page works without.
  }
  let checkedAt = Date.now();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || Date.now() - checkedAt < CHECK_AFTER_MS) return;
    checkedAt = Date.now();
    registration.update().catch(() => {});
  });
}

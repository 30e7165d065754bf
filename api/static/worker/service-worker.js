/**
 * Keeps the page's own files, so that the page opens while the service cannot be reached. Never keeps data: it adds to
 * the cache only the files that SHELL names, when it is installed, and leaves every other request to the browser.
 *
 * SHELL is `{version, files}`, written by the service: the version that the HTML has too, and each file's digest.
 */

const PAGE = new URL("./", self.location).href;
const FILES = new Map(Object.entries(SHELL.files).map(([path, integrity]) => [new URL(path, PAGE).href, integrity]));
const PREFIX = `tasks ${PAGE} `;
const CACHE = PREFIX + SHELL.version;
const TIMEOUT_MS = 4000;

/** The ids of windows whose HTML is the kept one, or equal to it: their files come from the cache. */
const keptWindows = new Set();

self.addEventListener("install", (event) => {
  event.waitUntil(keep().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(removeCaches((name) => name !== CACHE).then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request, resultingClientId } = event;
  const url = new URL(request.url);
  if (request.mode === "navigate" && url.origin + url.pathname === PAGE) {
    event.respondWith(openPage(request, resultingClientId));
  } else if (request.method === "GET" && FILES.has(request.url)) {
    event.respondWith(openFile(request, event.clientId));
  }
});

/** Fails if an instance of another version responds to one of the requests. The browser then tries again later. */
async function keep() {
  const cache = await caches.open(CACHE);
  const page = await fetch(PAGE, { cache: "no-cache" });
  if (!page.ok || !(await page.clone().text()).includes(`data-version="${SHELL.version}"`)) {
    throw new Error("The page has another version than its worker");
  }
  await cache.put(PAGE, page);
  await cache.addAll(Array.from(FILES, ([url, integrity]) => new Request(url, { integrity, cache: "no-cache" })));
}

/** The page from the service. If that fails or takes long, the kept one. */
async function openPage(request, windowId) {
  const kept = await caches.match(PAGE, { cacheName: CACHE });
  let response;
  try {
    response = await fetch(request, { signal: kept ? AbortSignal.timeout(TIMEOUT_MS) : null });
  } catch (error) {
    if (!kept) throw error;
  }
  // The service has no page any more.
  if (response?.status === 404) await leave();
  const isDown = !response || response.status >= 500;
  if (kept && (isDown || response.headers.get("ETag") === kept.headers.get("ETag"))) keptWindows.add(windowId);
  return isDown && kept ? kept : response;
}

async function openFile(request, windowId) {
  const kept = await caches.match(request.url, { cacheName: CACHE });
  if (kept && keptWindows.has(windowId)) return kept;
  try {
    return await fetch(request);
  } catch (error) {
    if (!kept) throw error;
    return kept;
  }
}

async function leave() {
  await self.registration.unregister();
  await removeCaches(() => true);
}

/** Only this page's: other pages of the origin have their own. */
async function removeCaches(isOld) {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && isOld(name));
  await Promise.all(names.map((name) => caches.delete(name)));
}

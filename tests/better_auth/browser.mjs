// Preloaded into node so that a page's code finds what a browser has: a cookie jar behind fetch, and an Origin.
const nativeFetch = globalThis.fetch;
const cookies = new Map();

globalThis.fetch = async (input, init) => {
  const request = new Request(input, init);
  const { host, pathname } = new URL(request.url);
  if (cookies.has(host)) request.headers.set("Cookie", cookies.get(host));
  request.headers.set("Origin", process.env.PAGE_ORIGIN);
  const response = await nativeFetch(request);
  const allowed = response.headers.get("Access-Control-Allow-Origin");
  if (allowed !== process.env.PAGE_ORIGIN) throw new TypeError(`CORS: ${request.url} allows ${allowed}`);
  const set = response.headers.getSetCookie().map((cookie) => cookie.split(";")[0]);
  if (set.length) cookies.set(host, set.join("; "));
  console.error(request.method, pathname, response.status);
  return response;
};

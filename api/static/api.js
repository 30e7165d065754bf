/**
 * One HTTP request to the API: JSON in, JSON out, error responses as exceptions.
 * Knows no tasks and never retries: retries.js does.
 */

/** An error response. `fields` maps a field's name to its message. */
export class ErrorResponse extends Error {
  constructor(status, error, retryAfter) {
    super(error.message ?? `The service responded with status ${status}`);
    this.status = status;
    this.code = error.code;
    this.fields = new Map((error.details ?? []).map((detail) => [detail.field, detail.message]));
    this.retryAfter = retryAfter;
  }
}

/** An error as one line for screen readers: its field errors, or else its message. */
export function describeError({ message, fields }) {
  return fields?.size ? Array.from(fields, ([name, text]) => `${name}: ${text}`).join(". ") : message;
}

/** No response: the browser is offline, the service is down, or the request timed out. */
export class Unreachable extends Error {
  constructor() {
    super(globalThis.navigator?.onLine === false ? "You are offline." : "The service cannot be reached.");
  }
}

const TIMEOUT_MS = 20_000;

/**
 * @returns {Promise<{body: any, etag: string | null}>} `body` is null for 204
 * @throws {ErrorResponse | Unreachable} or the signal's reason if it is aborted
 */
export async function call(method, path, { token, headers = {}, json, signal } = {}) {
  signal?.throwIfAborted();
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, TIMEOUT_MS);
  signal?.addEventListener("abort", abort);
  try {
    const response = await fetch(path, {
      method,
      headers: {
        ...(token && { Authorization: `Bearer ${token}` }),
        ...(json !== undefined && { "Content-Type": "application/json" }),
        ...headers,
      },
      body: json === undefined ? undefined : JSON.stringify(json),
      signal: controller.signal,
      cache: "no-store",
    });
    const text = await response.text();
    return read(response, text);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof ErrorResponse) throw error;
    throw new Unreachable();
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

function read(response, text) {
  const body = parse(text);
  if (response.ok && (body !== null || response.status === 204)) {
    return { body, etag: response.headers.get("ETag") };
  }
  const seconds = Number.parseInt(response.headers.get("Retry-After"), 10);
  throw new ErrorResponse(response.status, body?.error ?? {}, Number.isNaN(seconds) ? null : seconds);
}

/** Null for a body that is not JSON: a proxy may respond with a page of its own. */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * One HTTP call to the API: JSON in, JSON out, every refusal as an object.
 * Knows no tasks and never repeats a call: that is patience.js.
 */

/** An answer that says no. `fields` maps a field's name to its message. */
export class Refusal extends Error {
  constructor(status, error, retryAfter) {
    super(error.message ?? `The service answered with status ${status}`);
    this.status = status;
    this.code = error.code;
    this.fields = new Map((error.details ?? []).map((detail) => [detail.field, detail.message]));
    this.retryAfter = retryAfter;
  }
}

/** All that an error says, in one line to be read aloud. */
export function spoken({ message, fields }) {
  return fields?.size ? Array.from(fields, ([name, text]) => `${name}: ${text}`).join(". ") : message;
}

/** No answer at all: offline, the service is down, or it took too long. */
export class Unreachable extends Error {
  constructor() {
    super(navigator.onLine ? "The service cannot be reached." : "You are offline.");
  }
}

const PATIENCE_MS = 20_000;

/**
 * @returns {Promise<{body: any, etag: string | null}>} `body` is null where there is none (204)
 * @throws {Refusal | Unreachable} or the signal's own reason when it is aborted
 */
export async function call(method, path, { token, headers = {}, json, signal } = {}) {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), PATIENCE_MS);
  const giveUp = () => late.abort();
  signal?.throwIfAborted();
  signal?.addEventListener("abort", giveUp);
  try {
    const answer = await fetch(path, {
      method,
      headers: {
        ...(token && { Authorization: `Bearer ${token}` }),
        ...(json !== undefined && { "Content-Type": "application/json" }),
        ...headers,
      },
      body: json === undefined ? undefined : JSON.stringify(json),
      signal: late.signal,
      cache: "no-store",
    });
    const text = await answer.text();
    return read(answer, text);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof Refusal) throw error;
    throw new Unreachable();
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
}

function read(answer, text) {
  const body = parse(text);
  if (answer.ok && (body !== null || answer.status === 204)) {
    return { body, etag: answer.headers.get("ETag") };
  }
  const seconds = Number.parseInt(answer.headers.get("Retry-After"), 10);
  throw new Refusal(answer.status, body?.error ?? {}, Number.isNaN(seconds) ? null : seconds);
}

/** A proxy in between may answer with a page of its own: that is a refusal without words, not a crash. */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// A typed client of the tasks API: paths, bodies and answers are checked against docs/openapi.json when you compile.
//
// Here is only what a specification cannot say: where the token comes from, and errors as exceptions.

import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./api-types.js";

type Schemas = components["schemas"];

export type Task = Schemas["Task"];
export type NewTask = Schemas["NewTask"];
export type TaskChanges = Schemas["TaskChanges"];
export type Pagination = Schemas["Pagination"];
export type Session = Schemas["Session"];
export type ErrorCode = Schemas["ErrorCode"];
export type FieldError = NonNullable<Schemas["Error"]["error"]["details"]>[number];
export type ApiClient = Client<paths>;

/**
 * Gives the bearer token, before every call. `fresh` asks for one that has just been issued: the last has expired.
 * Without a token the call goes out as nobody's.
 */
export type TokenProvider = (fresh: boolean) => string | null | undefined | Promise<string | null | undefined>;

export interface ApiClientOptions {
  /** Where the service is, as in `http://localhost:8000`. */
  baseUrl: string;
  token?: TokenProvider;
  /** Used in place of the platform's own. */
  fetch?: (request: Request) => Promise<Response>;
}

/** What the service refused or could not do. Branch on `code`; `message` is for people. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  /** `UNKNOWN` where the answer is not the service's, but a proxy's for example. */
  readonly code: ErrorCode | "UNKNOWN";
  /** What is wrong with which field, parameter or header; empty where nothing is to be named. */
  readonly details: readonly FieldError[];
  /** Names the request in the service's log. */
  readonly requestId: string | null;
  /** Seconds to wait before another try, where the service says so. */
  readonly retryAfter: number | null;

  constructor(response: Response, body: unknown) {
    const error = (body as Partial<Schemas["Error"]> | null | undefined)?.error;
    super(error?.message ?? `The service answered ${response.status}`);
    this.status = response.status;
    this.code = error?.code ?? "UNKNOWN";
    this.details = error?.details ?? [];
    this.requestId = response.headers.get("X-Request-ID");
    const wait = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
    this.retryAfter = Number.isNaN(wait) ? null : wait;
  }
}

/** A client whose calls carry the provider's token; a call refused as TOKEN_EXPIRED is sent once more with a fresh one. */
export function createApiClient({ baseUrl, token, fetch = (request) => globalThis.fetch(request) }: ApiClientOptions): ApiClient {
  async function send(request: Request, fresh: boolean): Promise<Response> {
    const value = await token?.(fresh);
    if (value) request.headers.set("Authorization", `Bearer ${value}`);
    return fetch(request);
  }

  return createClient<paths>({
    baseUrl,
    fetch: async (request) => {
      const again = request.clone();
      const response = await send(request, false);
      return token && (await hasExpired(response)) ? send(again, true) : response;
    },
  });
}

async function hasExpired(response: Response): Promise<boolean> {
  if (response.status !== 401) return false;
  const body: unknown = await response.clone().json().catch(() => null);
  return new ApiError(response, body).code === ("TOKEN_EXPIRED" satisfies ErrorCode);
}

/** The body of a call that went well; throws ApiError for one that did not. */
export async function unwrap<Data>(
  call: Promise<{ data?: Data; error?: unknown; response: Response }>,
): Promise<Data> {
  const { data, error, response } = await call;
  if (!response.ok) throw new ApiError(response, error);
  return data as Data;
}

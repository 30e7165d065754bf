// A typed client of the tasks API: the compiler checks paths, bodies and responses against docs/openapi.json.
//
// This file adds only what a specification cannot express: the token's source, and errors as exceptions.

import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./api-types.js";

type Schemas = components["schemas"];

export type Task = Schemas["Task"];
export type NewTask = Schemas["NewTask"];
export type TaskChanges = Schemas["TaskChanges"];
export type Pagination = Schemas["Pagination"];
export type Session = Schemas["Session"]["data"];
export type ErrorCode = Schemas["ErrorCode"];
export type FieldError = NonNullable<Schemas["Error"]["error"]["details"]>[number];
export type ApiClient = Client<paths>;

/**
 * Returns the bearer token; called before every request. If `fresh` is true, the last token has expired and a newly
 * issued one is needed. Without a token the request is sent without authentication.
 */
export type TokenProvider = (fresh: boolean) => string | null | undefined | Promise<string | null | undefined>;

export interface ApiClientOptions {
  /** The service's URL, as in `http://localhost:8000`. */
  baseUrl: string;
  token?: TokenProvider;
  /** Replaces the platform's `fetch`. */
  fetch?: (request: Request) => Promise<Response>;
}

/** An error response. Branch on `code`; `message` is for people. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  /** `UNKNOWN` if the response is not the service's, for example a proxy's. */
  readonly code: ErrorCode | "UNKNOWN";
  /** The invalid fields, parameters or headers, each with a message; empty for other errors. */
  readonly details: readonly FieldError[];
  /** The request's id in the service's log. */
  readonly requestId: string | null;
  /** Seconds to wait before a retry, from Retry-After; null without that header. */
  readonly retryAfter: number | null;

  constructor(response: Response, body: unknown) {
    const error = (body as Partial<Schemas["Error"]> | null | undefined)?.error;
    super(error?.message ?? `The service responded with status ${response.status}`);
    this.status = response.status;
    this.code = error?.code ?? "UNKNOWN";
    this.details = error?.details ?? [];
    this.requestId = response.headers.get("X-Request-ID");
    const wait = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
    this.retryAfter = Number.isNaN(wait) ? null : wait;
  }
}

/** A client whose requests carry the provider's token. After TOKEN_EXPIRED it repeats the request once with a fresh token. */
export function createApiClient({ baseUrl, token, fetch = (request) => globalThis.fetch(request) }: ApiClientOptions): ApiClient {
  async function send(request: Request, fresh: boolean): Promise<Response> {
    const value = await token?.(fresh);
    if (value) request.headers.set("Authorization", `Bearer ${value}`);
    return fetch(request);
  }

  return createClient<paths>({
    baseUrl,
    fetch: async (request) => {
      const retry = request.clone();
      const response = await send(request, false);
      return token && (await hasExpired(response)) ? send(retry, true) : response;
    },
  });
}

async function hasExpired(response: Response): Promise<boolean> {
  if (response.status !== 401) return false;
  const body: unknown = await response.clone().json().catch(() => null);
  return new ApiError(response, body).code === ("TOKEN_EXPIRED" satisfies ErrorCode);
}

/** The body of a successful response; throws ApiError for an error response. */
export async function unwrap<Data>(
  call: Promise<{ data?: Data; error?: unknown; response: Response }>,
): Promise<Data> {
  const { data, error, response } = await call;
  if (!response.ok) throw new ApiError(response, error);
  return data as Data;
}

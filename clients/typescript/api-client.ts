// A typed client of the tasks API: the compiler checks paths, bodies and responses against docs/openapi.json.
//
// This file adds only what a specification cannot express: the token's source, and errors as exceptions.

import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./api-types.js";
import { ApiError, NetworkError, type ErrorCode } from "./errors.js";

type Schemas = components["schemas"];

export type Task = Schemas["Task"];
export type NewTask = Schemas["NewTask"];
export type TaskChanges = Schemas["TaskChanges"];
export type Pagination = Schemas["Pagination"];
export type Session = Schemas["Session"]["data"];
export type ApiClient = Client<paths>;
export { ApiError, NetworkError, type ErrorCode, type FieldError } from "./errors.js";

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

/**
 * A client whose requests carry the provider's token. After TOKEN_EXPIRED it repeats the request once with a fresh token.
 *
 * A call rejects with NetworkError if no complete response arrives, and with ApiError for a success that is not JSON. What
 * the provider throws, and an abort by the caller, pass unchanged.
 */
export function createApiClient({ baseUrl, token, fetch = (request) => globalThis.fetch(request) }: ApiClientOptions): ApiClient {
  async function send(request: Request, fresh: boolean): Promise<Received> {
    const value = await token?.(fresh);
    if (value) request.headers.set("Authorization", `Bearer ${value}`);
    return receive(fetch(request));
  }

  return createClient<paths>({
    baseUrl,
    fetch: async (request) => {
      const retry = request.clone();
      const received = await send(request, false);
      return (token && hasExpired(received) ? await send(retry, true) : received).response;
    },
  });
}

interface Received {
  response: Response;
  /** Undefined if the response has none, or is not JSON. */
  body: unknown;
}

/** The response and its body. The body is read here, so that a connection that breaks meanwhile is a NetworkError too. */
async function receive(responding: Promise<Response>): Promise<Received> {
  try {
    const response = await responding;
    const text = await response.clone().text();
    const isJson = response.headers.get("Content-Type")?.includes("json") ?? false;
    if (response.ok && !isJson && text !== "") throw new ApiError(response, undefined);
    return { response, body: isJson && text !== "" ? JSON.parse(text) : undefined };
  } catch (error) {
    throw isOfTheNetwork(error) ? new NetworkError(error) : error;
  }
}

/** `fetch` reports a failure as a TypeError; JSON that has been cut off is a SyntaxError. */
function isOfTheNetwork(error: unknown): error is Error {
  return error instanceof Error && ["TypeError", "SyntaxError", "TimeoutError"].includes(error.name);
}

function hasExpired({ response, body }: Received): boolean {
  return response.status === 401 && new ApiError(response, body).code === ("TOKEN_EXPIRED" satisfies ErrorCode);
}

/** The body of a successful response; throws ApiError for an error response. */
export async function unwrap<Data>(
  call: Promise<{ data?: Data; error?: unknown; response: Response }>,
): Promise<Data> {
  const { data, error, response } = await call;
  if (!response.ok) throw new ApiError(response, error);
  return data as Data;
}

// What a call can fail with: ApiError for a response, NetworkError for the lack of one.

import type { components } from "./api-types.js";

type ErrorBody = components["schemas"]["Error"];

export type ErrorCode = components["schemas"]["ErrorCode"];
export type FieldError = NonNullable<ErrorBody["error"]["details"]>[number];

/** An error response, or a response that is not the service's. Branch on `code`; `message` is for people. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  /** `UNKNOWN` if the response is not the service's, for example a proxy's HTML page, whatever its status. */
  readonly code: ErrorCode | "UNKNOWN";
  /** The invalid fields, parameters or headers, each with a message; empty for other errors. */
  readonly details: readonly FieldError[];
  /** The request's id in the service's log. */
  readonly requestId: string | null;
  /** Seconds to wait before a retry, from Retry-After; null without that header. */
  readonly retryAfter: number | null;

  constructor(response: Response, body: unknown) {
    const error = (body as Partial<ErrorBody> | null | undefined)?.error;
    super(error?.message ?? `The response with status ${response.status} is not the service's`);
    this.status = response.status;
    this.code = error?.code ?? "UNKNOWN";
    this.details = error?.details ?? [];
    this.requestId = response.headers.get("X-Request-ID");
    const wait = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
    this.retryAfter = Number.isNaN(wait) ? null : wait;
  }
}

/**
 * No complete response arrived: no connection, a refusal by CORS, a connection that broke, or a timeout. `cause` is the
 * platform's own error. The service may have carried out the request.
 */
export class NetworkError extends Error {
  override readonly name = "NetworkError";
  /** Whether the call's `AbortSignal.timeout` ended it. */
  readonly timedOut: boolean;

  constructor(cause: Error) {
    const timedOut = cause.name === "TimeoutError";
    super(timedOut ? "The service did not respond in time" : "The service cannot be reached", { cause });
    this.timedOut = timedOut;
  }
}

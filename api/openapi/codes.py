"""The meaning of each error code, and the error responses: their statuses, bodies and header fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from api.errors import HTTP_RESPONSES, RESPONSES, Code, ErrorResponse, FieldError
from api.profiles.error_bodies import ErrorBodies

CAUSES: Final[Mapping[Code, str]] = {
    Code.MALFORMED_JSON: "the body is not JSON, or a required body is missing",
    Code.VALIDATION_ERROR: "a field, parameter, header or task id is not valid; `details` names each",
    Code.EMAIL_TAKEN: "an account with this e-mail exists",
    Code.UNAUTHORIZED: "no Authorization header, or one that is not a bearer token",
    Code.TOKEN_EXPIRED: "the token has expired: get a new one and try again",
    Code.TOKEN_INVALID: "the token is not valid, or its user is unknown",
    Code.INVALID_CREDENTIALS: "wrong e-mail or password",
    Code.FORBIDDEN: "this path or task belongs to another user",
    Code.NOT_FOUND: "the user has no such task, or the path does not exist",
    Code.TASK_LIMIT_REACHED: "the user holds the maximum number of tasks",
    Code.IDEMPOTENCY_KEY_REUSED: "this Idempotency-Key was used with another body",
    Code.BAD_REQUEST: "the request is not valid HTTP",
    Code.HEADERS_TOO_LARGE: "the headers are too large",
    Code.METHOD_NOT_ALLOWED: "the path does not support the method; `Allow` lists those that it supports",
    Code.PRECONDITION_FAILED: "the task has changed since the version that If-Match names",
    Code.PAYLOAD_TOO_LARGE: "the body is over 1 MiB",
    Code.UNSUPPORTED_MEDIA_TYPE: "the body is not declared as `application/json`",
    Code.RATE_LIMITED: "too many requests; try again after `Retry-After` seconds",
    Code.INTERNAL_ERROR: "an error in the service",
    Code.DATABASE_UNAVAILABLE: "the database does not respond; nothing is half-written, try again",
    Code.OVERLOADED: "the service has too much work; nothing is half-written, try again",
    Code.KEYS_UNAVAILABLE: "the token cannot be checked yet, because its issuer's keys do not respond; try again",
}

# If two errors share a code, the message of the first is the example.
_RESPONSE_OF: Final[Mapping[Code, ErrorResponse]] = {
    response.code: response for response in reversed((*RESPONSES.values(), *HTTP_RESPONSES.values()))
}

_HEADERS: Final[Mapping[int, tuple[str, ...]]] = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    429: ("Retry-After", "RateLimit", "RateLimit-Policy"),
    503: ("Retry-After",),
}


def code_schema() -> dict[str, Any]:
    """The schema of `error.code`, with the meaning of every code."""
    lines = "\n".join(f"- `{code.value}`: {CAUSES[code]}" for code in Code)
    return {"type": "string", "enum": [code.value for code in Code], "description": f"The kind of error.\n\n{lines}"}


def error_examples(errors: ErrorBodies) -> dict[str, Any]:
    """An error body for each code, by the code's name."""
    title = FieldError("title", "Title is required")
    examples = {}
    for code in Code:
        response = _RESPONSE_OF[code]
        fields = (title,) if code is Code.VALIDATION_ERROR else ()
        message = title.message if fields else response.message
        examples[code.value] = {"value": errors.example(errors.status_of(response), code, message, fields)}
    return examples


def by_status(codes: Iterable[Code], errors: ErrorBodies) -> dict[int, tuple[Code, ...]]:
    """The codes by the statuses that they have in a wire format."""
    wanted = set(codes)
    statuses: dict[int, tuple[Code, ...]] = {}
    for code in Code:
        if code in wanted:
            status = errors.status_of(_RESPONSE_OF[code])
            statuses[status] = (*statuses.get(status, ()), code)
    return dict(sorted(statuses.items()))


def response_name(codes: Iterable[Code]) -> str:
    """The component name of a response with these codes, such as `MalformedJsonOrBadRequest`."""
    return "Or".join(code.value.title().replace("_", "") for code in codes)


def error_response(status: int, codes: tuple[Code, ...], schema: Mapping[str, Any]) -> dict[str, Any]:
    """A response with one of these codes, and this schema."""
    return {
        "description": "; ".join(f"`{code.value}`: {CAUSES[code]}" for code in codes) + ".",
        "headers": {
            name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-ID", *_HEADERS.get(status, ()))
        },
        "content": {
            "application/json": {
                "schema": schema,
                "examples": {code.value: {"$ref": f"#/components/examples/{code.value}"} for code in codes},
            }
        },
    }

"""The error codes in words, and the error responses that list them: which statuses, bodies and headers each has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from api.errors import HTTP_RESPONSES, RESPONSES, Code, ErrorResponse, FieldError, envelope

CAUSES: Final[Mapping[Code, str]] = {
    Code.MALFORMED_JSON: "the body is not JSON, or a needed body is missing",
    Code.VALIDATION_ERROR: "a field, parameter, header or task id is not valid; `details` names each",
    Code.EMAIL_TAKEN: "an account with this e-mail exists",
    Code.UNAUTHORIZED: "no Authorization header, or one that is not a bearer token",
    Code.TOKEN_EXPIRED: "the token was good once: ask for a fresh one and try again",
    Code.TOKEN_INVALID: "the token cannot be believed, or its user is unknown",
    Code.INVALID_CREDENTIALS: "wrong e-mail or password",
    Code.FORBIDDEN: "this path or task is another user's",
    Code.NOT_FOUND: "no such task among the user's, or no such path",
    Code.TASK_LIMIT_REACHED: "the user holds as many tasks as one may",
    Code.IDEMPOTENCY_KEY_REUSED: "this Idempotency-Key was used with another body",
    Code.BAD_REQUEST: "broken HTTP",
    Code.HEADERS_TOO_LARGE: "the headers are too large",
    Code.METHOD_NOT_ALLOWED: "the path has no such method; `Allow` lists those it has",
    Code.PRECONDITION_FAILED: "the task has changed since the version that If-Match names",
    Code.PAYLOAD_TOO_LARGE: "the body is over 1 MiB",
    Code.UNSUPPORTED_MEDIA_TYPE: "the body is not declared as `application/json`",
    Code.RATE_LIMITED: "too many requests; try again after `Retry-After` seconds",
    Code.INTERNAL_ERROR: "a fault of the service",
    Code.DATABASE_UNAVAILABLE: "the database does not answer; nothing is half-written, try again",
    Code.OVERLOADED: "more work than the service takes; nothing is half-written, try again",
}

# Where two errors share a code, the first one's message is the example.
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
    """The schema of `error.code`, every code explained."""
    lines = "\n".join(f"- `{code.value}`: {CAUSES[code]}" for code in Code)
    return {"type": "string", "enum": [code.value for code in Code], "description": f"What went wrong.\n\n{lines}"}


def error_examples() -> dict[str, Any]:
    """An error body for each code, by the code's name."""
    examples = {code.value: {"value": envelope(code, response.message)} for code, response in _RESPONSE_OF.items()}
    title = FieldError("title", "Title is required")
    examples[Code.VALIDATION_ERROR.value]["value"] = envelope(Code.VALIDATION_ERROR, title.message, [title])
    return {code.value: examples[code.value] for code in Code}


def by_status(codes: Iterable[Code], invalid_status: int) -> dict[int, tuple[Code, ...]]:
    """The codes grouped by their status; what is not valid is `invalid_status` in this route family."""
    wanted = set(codes)
    statuses: dict[int, tuple[Code, ...]] = {}
    for code in Code:
        if code in wanted:
            status = invalid_status if code is Code.VALIDATION_ERROR else _RESPONSE_OF[code].status
            statuses[status] = (*statuses.get(status, ()), code)
    return dict(sorted(statuses.items()))


def response_name(codes: Iterable[Code]) -> str:
    """The component's name of a response with these codes: `MalformedJsonOrBadRequest`."""
    return "Or".join(code.value.title().replace("_", "") for code in codes)


def error_response(status: int, codes: tuple[Code, ...]) -> dict[str, Any]:
    """A response that carries one of these codes, and no other."""
    only = {"properties": {"error": {"properties": {"code": {"enum": [code.value for code in codes]}}}}}
    return {
        "description": "; ".join(f"`{code.value}`: {CAUSES[code]}" for code in codes) + ".",
        "headers": {
            name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-ID", *_HEADERS.get(status, ()))
        },
        "content": {
            "application/json": {
                "schema": {"allOf": [{"$ref": "#/components/schemas/Error"}, only]},
                "examples": {code.value: {"$ref": f"#/components/examples/{code.value}"} for code in codes},
            }
        },
    }

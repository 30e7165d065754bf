"""Domain errors, and the only place where an exception becomes a response.

The core raises what happened (`TaskNotFound`); the table at the end says what it looks like on the wire.
Imported by everything, so it imports nothing but the standard library, Falcon, and the errors of `api/postgres/`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import Any, Final

import falcon

from api.postgres.errors import DatabaseUnavailable, Overloaded

logger = logging.getLogger("api.errors")

RETRY_AFTER: Final = "1"
"""Seconds a client is asked to wait after a 503: the service looks for its database again within that time."""


class Code(str, Enum):
    """The stable error codes of the wire contract; a client branches on these, never on a message."""

    MALFORMED_JSON = "MALFORMED_JSON"
    VALIDATION_ERROR = "VALIDATION_ERROR"
    EMAIL_TAKEN = "EMAIL_TAKEN"
    UNAUTHORIZED = "UNAUTHORIZED"
    TOKEN_EXPIRED = "TOKEN_EXPIRED"
    TOKEN_INVALID = "TOKEN_INVALID"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    TASK_LIMIT_REACHED = "TASK_LIMIT_REACHED"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    BAD_REQUEST = "BAD_REQUEST"
    HEADERS_TOO_LARGE = "HEADERS_TOO_LARGE"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    PRECONDITION_FAILED = "PRECONDITION_FAILED"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    RATE_LIMITED = "RATE_LIMITED"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    DATABASE_UNAVAILABLE = "DATABASE_UNAVAILABLE"
    OVERLOADED = "OVERLOADED"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field, query parameter, header or path segment."""

    field: str
    message: str


class DomainError(Exception):
    """Something the service refuses or cannot do, told without HTTP words."""


class ValidationFailed(DomainError):
    """Input that is readable but not valid; carries every field at fault."""

    def __init__(self, *fields: FieldError) -> None:
        super().__init__(fields)
        self.fields = fields


class MalformedJSON(DomainError):
    """A body that is not JSON, or none where one is needed."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UnsupportedMediaType(DomainError):
    """A body whose declared type is not `application/json` in UTF-8."""


class PayloadTooLarge(DomainError):
    """A body over the limit for one request."""


class MissingToken(DomainError):
    """No Authorization header, or one that is not `Bearer` and a token."""


class TokenInvalid(DomainError):
    """A token that must not be believed; `reason` is a short label for logs and metrics, never for the client."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TokenExpired(DomainError):
    """A token that was good once."""

    reason = "expired"


class UnknownUser(DomainError):
    """A verified token whose user has no row, where rows are not made here."""

    reason = "unknown_user"


class InvalidCredentials(DomainError):
    """A wrong password or an unknown e-mail: which of the two is not told."""


class EmailTaken(DomainError):
    """Registering an e-mail that a local account has."""


class Forbidden(DomainError):
    """Another user's path, or (bare family) another user's task."""


class TaskNotFound(DomainError):
    """No such task among this user's."""

    def __init__(self, task_id: int) -> None:
        super().__init__(task_id)
        self.task_id = task_id


class TaskChanged(DomainError):
    """The task is at another version than `If-Match` asked for."""


class TaskLimitReached(DomainError):
    """One task more than a user may hold."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class IdempotencyKeyReused(DomainError):
    """A known `Idempotency-Key` with another body."""


class RateLimited(DomainError):
    """Too many calls; `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


class SchemaUnreadable(DomainError):
    """The database's user may not read which migrations have been run; `reason` is PostgreSQL's, in one line."""

    kind = "schema_not_readable"

    def __init__(self, reason: str) -> None:
        super().__init__(f"DATABASE_URL: the schema cannot be read: {reason}")


@dataclass(frozen=True, slots=True)
class Answer:
    """How an error looks on the wire."""

    status: int
    code: Code
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)


_CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}
_RETRY: Final = {"Retry-After": RETRY_AFTER}

ANSWERS: Final[Mapping[type[Exception], Answer]] = {
    ValidationFailed: Answer(422, Code.VALIDATION_ERROR, "The request is not valid"),
    MalformedJSON: Answer(400, Code.MALFORMED_JSON, "The body is not valid JSON"),
    UnsupportedMediaType: Answer(415, Code.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json"),
    PayloadTooLarge: Answer(413, Code.PAYLOAD_TOO_LARGE, "The body is larger than 1 MiB"),
    MissingToken: Answer(401, Code.UNAUTHORIZED, "A bearer token is required", _CHALLENGE),
    TokenInvalid: Answer(401, Code.TOKEN_INVALID, "The token is not valid", _CHALLENGE),
    TokenExpired: Answer(401, Code.TOKEN_EXPIRED, "The token has expired", _CHALLENGE),
    UnknownUser: Answer(401, Code.TOKEN_INVALID, "The token's user does not exist", _CHALLENGE),
    InvalidCredentials: Answer(401, Code.INVALID_CREDENTIALS, "E-mail or password is wrong", _CHALLENGE),
    EmailTaken: Answer(400, Code.EMAIL_TAKEN, "An account with this e-mail exists"),
    Forbidden: Answer(403, Code.FORBIDDEN, "This belongs to another user"),
    TaskNotFound: Answer(404, Code.NOT_FOUND, "Task not found"),
    TaskChanged: Answer(412, Code.PRECONDITION_FAILED, "The task has changed since"),
    TaskLimitReached: Answer(409, Code.TASK_LIMIT_REACHED, "The limit of tasks is reached"),
    IdempotencyKeyReused: Answer(422, Code.IDEMPOTENCY_KEY_REUSED, "This Idempotency-Key was used with another body"),
    RateLimited: Answer(429, Code.RATE_LIMITED, "Too many requests"),
    DatabaseUnavailable: Answer(503, Code.DATABASE_UNAVAILABLE, "The database is not available", _RETRY),
    SchemaUnreadable: Answer(503, Code.DATABASE_UNAVAILABLE, "The database is not available", _RETRY),
    Overloaded: Answer(503, Code.OVERLOADED, "The service is overloaded", _RETRY),
}

HTTP_ANSWERS: Final[Mapping[int, Answer]] = {
    answer.status: answer
    for answer in (
        Answer(400, Code.BAD_REQUEST, "The request is not valid HTTP"),
        Answer(404, Code.NOT_FOUND, "No such path"),
        Answer(405, Code.METHOD_NOT_ALLOWED, "This method is not allowed here"),
        Answer(413, Code.PAYLOAD_TOO_LARGE, "The body is too large"),
        Answer(415, Code.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json"),
        Answer(431, Code.HEADERS_TOO_LARGE, "The headers are too large"),
        Answer(500, Code.INTERNAL_ERROR, "Something went wrong on our side"),
    )
}
"""What no domain error stands for: raised by Falcon or the server, or not foreseen."""


def envelope(code: Code, message: str, fields: Sequence[FieldError] = ()) -> dict[str, Any]:
    """The one shape of every error body; `details` only where fields are at fault."""
    error: dict[str, Any] = {"code": code.value, "message": message}
    if fields:
        error["details"] = [{"field": each.field, "message": each.message} for each in fields]
    return {"error": error}


def add_error_handlers(app: falcon.App[Any, Any]) -> None:
    """Have every exception answered from here, Falcon's own and unforeseen ones included."""
    for error in ANSWERS:
        app.add_error_handler(error, _answer_domain_error)
    app.add_error_handler(falcon.HTTPError, _answer_http_error)
    app.add_error_handler(Exception, _answer_unforeseen)


def _write(req: falcon.Request, resp: falcon.Response, answer: Answer, body: dict[str, Any], refusal: str) -> None:
    resp.status = HTTPStatus(answer.status)
    resp.media = body
    resp.content_type = falcon.MEDIA_JSON
    resp.set_headers(dict(answer.headers))
    req.context.refusal = refusal


def _answer_domain_error(req: falcon.Request, resp: falcon.Response, ex: Exception, params: dict[str, Any]) -> None:
    answer = ANSWERS[type(ex)]
    message = answer.message
    fields: tuple[FieldError, ...] = ()
    if isinstance(ex, ValidationFailed):
        answer = Answer(req.context.invalid_status, answer.code, answer.message)
        fields = ex.fields
        message = fields[0].message if len(fields) == 1 else message
    elif isinstance(ex, MalformedJSON):
        message = ex.message
    elif isinstance(ex, RateLimited):
        resp.set_header("Retry-After", str(ex.retry_after))
    refusal = getattr(ex, "reason", None) or getattr(ex, "kind", None) or answer.code.value.lower()
    _write(req, resp, answer, envelope(answer.code, message, fields), refusal)


def _answer_http_error(
    req: falcon.Request, resp: falcon.Response, ex: falcon.HTTPError, params: dict[str, Any]
) -> None:
    known = HTTP_ANSWERS.get(ex.status_code, HTTP_ANSWERS[400])
    answer = Answer(ex.status_code, known.code, known.message, dict(ex.headers or {}))
    _write(req, resp, answer, envelope(known.code, known.message), known.code.value.lower())


def _answer_unforeseen(req: falcon.Request, resp: falcon.Response, ex: Exception, params: dict[str, Any]) -> None:
    logger.error("unforeseen error", exc_info=ex, extra={"request_id": req.context.request_id})
    answer = HTTP_ANSWERS[500]
    _write(req, resp, answer, envelope(answer.code, answer.message), answer.code.value.lower())

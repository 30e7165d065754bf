"""Domain errors, and the response to each. error_handlers.py alone turns an exception into a response.

The core raises domain errors (`TaskNotFound`). The tables below map them to a status, a code and a message.
Every module may import this one, so it imports only the standard library and the errors of `api/postgres/`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from api.postgres.errors import DatabaseUnavailable, Overloaded

logger = logging.getLogger("api.errors")

RETRY_AFTER: Final = "1"
"""Seconds, in a 503's Retry-After. Within that time the service tries to connect to its database again."""


class Code(str, Enum):
    """The stable error codes of the wire contract. Clients branch on these, not on messages."""

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
    KEYS_UNAVAILABLE = "KEYS_UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class FieldError:
    """An error in one field, query parameter, header or path segment."""

    field: str
    message: str


class DomainError(Exception):
    """An error of the service, without its HTTP status."""


class ValidationFailed(DomainError):
    """The input can be parsed but is not valid. `fields` has an error for each invalid field."""

    def __init__(self, *fields: FieldError) -> None:
        super().__init__(fields)
        self.fields = fields


class ExtraTooLarge(DomainError):
    """The further fields of a task together are larger than its row may hold."""


class MalformedJSON(DomainError):
    """The body is not JSON, or a required body is missing. Its argument is the message for the client."""


class UnsupportedMediaType(DomainError):
    """The declared type of the body is not `application/json` in UTF-8."""


class PayloadTooLarge(DomainError):
    """The body is larger than the limit of one request."""


class MissingToken(DomainError):
    """The Authorization header is missing, or is not `Bearer` and a token.

    `reason`, for logs and metrics, says why a request may not do without one where others may.
    """

    def __init__(self, reason: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason


class TokenInvalid(DomainError):
    """The token is not valid. `reason` is a short label for logs and metrics, never for the client."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TokenExpired(DomainError):
    """The token was valid and has expired."""

    reason = "expired"


class KeysUnavailable(DomainError):
    """The token needs a key of JWKS_URL, and none could be downloaded yet."""


class UnknownUser(DomainError):
    """The token is valid, but its user has no row, and this service does not create one."""

    reason = "unknown_user"


class InvalidCredentials(DomainError):
    """The password is wrong or the e-mail is unknown. The response does not say which."""


class EmailTaken(DomainError):
    """A local account with this e-mail exists."""


class Forbidden(DomainError):
    """The path, or where the wire format says so the task, belongs to another user."""


class ForeignOrigin(DomainError):
    """A cookie authenticates a request that changes something, and its Origin is missing or not allowed."""


class UnknownPath(DomainError):
    """A path that looks like one of a task or a user, but is of another API. Its argument says what to call."""


class TaskNotFound(DomainError):
    """The user has no task with this id."""

    def __init__(self, task_id: int) -> None:
        super().__init__(task_id)
        self.task_id = task_id


class TaskChanged(DomainError):
    """The task's version is not among those that `If-Match` names."""


class TaskLimitReached(DomainError):
    """The user holds `limit` tasks already."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class IdempotencyKeyReused(DomainError):
    """The user has sent this `Idempotency-Key` with another body."""


class RateLimited(DomainError):
    """The caller has exceeded a rate limit. `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


class SchemaTooNew(DomainError):
    """A newer version of the service has removed from the schema what this one needs; `name` is its migration."""

    kind = "schema_too_new"

    def __init__(self, name: str) -> None:
        super().__init__(f"DATABASE_URL: the schema is of a newer version of the service ({name}); start that version")


class SchemaUnreadable(DomainError):
    """The database's user may not read the names of the applied migrations. `reason` is PostgreSQL's message."""

    kind = "schema_not_readable"

    def __init__(self, reason: str) -> None:
        super().__init__(f"DATABASE_URL: the schema cannot be read: {reason}; GRANT SELECT to its user")


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """The status, code, message and header fields of an error response."""

    status: int
    code: Code
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)


WEAK_TAG: Final = (
    'If-Match has a weak entity tag (W/"…"), which never matches: '
    "a proxy weakens the service's tags, such as by compressing responses"
)

_CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}
_RETRY: Final = {"Retry-After": RETRY_AFTER}

RESPONSES: Final[Mapping[type[Exception], ErrorResponse]] = {
    ValidationFailed: ErrorResponse(422, Code.VALIDATION_ERROR, "The request is not valid"),
    ExtraTooLarge: ErrorResponse(422, Code.VALIDATION_ERROR, "The further fields of a task take more than 4 KiB"),
    MalformedJSON: ErrorResponse(400, Code.MALFORMED_JSON, "The body is not valid JSON"),
    UnsupportedMediaType: ErrorResponse(415, Code.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json"),
    PayloadTooLarge: ErrorResponse(413, Code.PAYLOAD_TOO_LARGE, "The body is larger than 1 MiB"),
    MissingToken: ErrorResponse(401, Code.UNAUTHORIZED, "A bearer token is required", _CHALLENGE),
    TokenInvalid: ErrorResponse(401, Code.TOKEN_INVALID, "The token is not valid", _CHALLENGE),
    TokenExpired: ErrorResponse(401, Code.TOKEN_EXPIRED, "The token has expired", _CHALLENGE),
    UnknownUser: ErrorResponse(401, Code.TOKEN_INVALID, "The token's user does not exist", _CHALLENGE),
    InvalidCredentials: ErrorResponse(401, Code.INVALID_CREDENTIALS, "E-mail or password is wrong", _CHALLENGE),
    EmailTaken: ErrorResponse(400, Code.EMAIL_TAKEN, "An account with this e-mail exists"),
    Forbidden: ErrorResponse(403, Code.FORBIDDEN, "This belongs to another user"),
    ForeignOrigin: ErrorResponse(
        403, Code.FORBIDDEN, "A change by cookie needs an Origin from CORS_ORIGINS; or send the token as a bearer token"
    ),
    UnknownPath: ErrorResponse(404, Code.NOT_FOUND, "No such path"),
    TaskNotFound: ErrorResponse(404, Code.NOT_FOUND, "Task not found"),
    TaskChanged: ErrorResponse(412, Code.PRECONDITION_FAILED, "The task has changed since"),
    TaskLimitReached: ErrorResponse(409, Code.TASK_LIMIT_REACHED, "The limit of tasks is reached"),
    IdempotencyKeyReused: ErrorResponse(
        422, Code.IDEMPOTENCY_KEY_REUSED, "This Idempotency-Key was used with another body"
    ),
    RateLimited: ErrorResponse(429, Code.RATE_LIMITED, "Too many requests"),
    DatabaseUnavailable: ErrorResponse(503, Code.DATABASE_UNAVAILABLE, "The database is not available", _RETRY),
    SchemaTooNew: ErrorResponse(503, Code.DATABASE_UNAVAILABLE, "The database is not available", _RETRY),
    SchemaUnreadable: ErrorResponse(503, Code.DATABASE_UNAVAILABLE, "The database is not available", _RETRY),
    Overloaded: ErrorResponse(503, Code.OVERLOADED, "The service is overloaded", _RETRY),
    KeysUnavailable: ErrorResponse(503, Code.KEYS_UNAVAILABLE, "The keys to check tokens are not available", _RETRY),
}

HTTP_RESPONSES: Final[Mapping[int, ErrorResponse]] = {
    response.status: response
    for response in (
        ErrorResponse(400, Code.BAD_REQUEST, "The request is not valid HTTP"),
        ErrorResponse(404, Code.NOT_FOUND, "No such path"),
        ErrorResponse(405, Code.METHOD_NOT_ALLOWED, "This method is not allowed here"),
        ErrorResponse(413, Code.PAYLOAD_TOO_LARGE, "The body is too large"),
        ErrorResponse(415, Code.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json"),
        ErrorResponse(431, Code.HEADERS_TOO_LARGE, "The headers are too large"),
        ErrorResponse(500, Code.INTERNAL_ERROR, "Something went wrong on our side"),
    )
}
"""By status, for errors that Falcon or the server raises, and for unforeseen exceptions."""

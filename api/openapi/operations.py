"""The description of a responder, and the errors of each kind of call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from api.errors import Code

HTTP_ERRORS: Final = (Code.BAD_REQUEST, Code.HEADERS_TOO_LARGE, Code.INTERNAL_ERROR)
TOKEN_ERRORS: Final = (Code.UNAUTHORIZED, Code.TOKEN_EXPIRED, Code.TOKEN_INVALID, Code.KEYS_UNAVAILABLE)
BODY_ERRORS: Final = (Code.MALFORMED_JSON, Code.PAYLOAD_TOO_LARGE, Code.UNSUPPORTED_MEDIA_TYPE)
DATABASE_ERRORS: Final = (Code.DATABASE_UNAVAILABLE, Code.OVERLOADED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An operation to call with values from the response. `{}` in its name stands for the route family's word."""

    operation: str
    description: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Success:
    """A successful response. `schema` describes the whole body. None if the response has no body."""

    status: int
    description: str
    schema: Mapping[str, Any] | None = None
    example: Any = None
    headers: tuple[str, ...] = ()
    links: Mapping[str, Link] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One responder. `name` is the operation id, with `{}` for the route family's word; `body` is a schema file."""

    name: str
    summary: str
    success: tuple[Success, ...]
    description: str = ""
    parameters: tuple[str, ...] = ()
    body: str | None = None
    body_required: bool = True
    errors: tuple[Code, ...] = ()

"""What a responder does, in words: the type of its description, and the errors that every kind of call can meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from api.errors import Code

OF_HTTP: Final = (Code.BAD_REQUEST, Code.HEADERS_TOO_LARGE, Code.INTERNAL_ERROR)
OF_TOKENS: Final = (Code.UNAUTHORIZED, Code.TOKEN_EXPIRED, Code.TOKEN_INVALID)
OF_BODIES: Final = (Code.MALFORMED_JSON, Code.PAYLOAD_TOO_LARGE, Code.UNSUPPORTED_MEDIA_TYPE)
OF_THE_DATABASE: Final = (Code.DATABASE_UNAVAILABLE, Code.OVERLOADED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A call that this answer has the values for. `{}` in the name stands for the route family's word."""

    operation: str
    description: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Success:
    """The answer to a call that did what was asked; `schema` is of the whole body, None where there is none."""

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

"""The state of one request. Middleware, resources and error handlers set it; the log line and metrics read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

import falcon

from api.errors import MissingToken

if TYPE_CHECKING:
    from api.error_handlers import ErrorRenderer
    from api.tokens import Identity


@dataclass(slots=True)
class RequestContext:
    """`req.context`. It has no other attributes: a misspelled name is an AttributeError."""

    started: float = field(default_factory=perf_counter)
    request_id: str = ""
    address: str = ""
    """The client's address, behind the proxies that are trusted."""
    event: str = "request"
    """The event of the request's log line."""
    details: dict[str, Any] = field(default_factory=dict)
    """Further fields of the log line: never a title, an e-mail, a token or a body."""
    identity: Identity | None = None
    """The user of the verified token, or the one that has just registered or logged in."""
    errors: ErrorRenderer | None = None
    """Writes error responses as the frontend of the resource reads them. None before a resource is known."""
    error_reason: str = "unknown"
    """Why the response is an error, as a label for the log and the metrics."""

    sent_weak_tag: bool = False
    """If-Match names a weak entity tag, which never matches."""

    @property
    def user(self) -> Identity:
        """The user, for a resource that requires a token. Raises MissingToken if `identity` is None."""
        if self.identity is None:
            raise MissingToken
        return self.identity


class Request(falcon.Request):
    """Falcon's request with a typed context."""

    __slots__ = ()

    context_type = RequestContext
    # Falcon declares its own class here, but documents that context_type may be any class.
    context: RequestContext  # type: ignore[assignment]

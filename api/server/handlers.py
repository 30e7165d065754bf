"""What the server is given to serve: the WSGI application, and two callables for what it sends without calling it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from api.server.quotas import Quota

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Headers = list[tuple[str, str]]

AWAITS_BODY: Final = "server.awaits_body"
"""The key in the WSGI environment that says whether the server waits for the rest of the body."""


@dataclass(frozen=True)
class FixedResponse:
    """A response that is known as a whole; the server adds Content-Length, Date and Connection."""

    status: HTTPStatus
    headers: Headers
    body: bytes

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Send it, as a WSGI application."""
        length = ("Content-Length", str(len(self.body)))
        start_response(f"{self.status.value} {self.status.phrase}", [*self.headers, length])
        return [self.body]


def render_plainly(status: HTTPStatus, reason: str, environ: WSGIEnvironment) -> tuple[Headers, bytes]:
    """An error response as one line of text."""
    return [("Content-Type", "text/plain; charset=utf-8")], f"{reason or status.phrase}\n".encode()


def pass_all(environ: WSGIEnvironment) -> FixedResponse | None:
    """Reject no request by its head."""
    return None


def no_quota(environ: WSGIEnvironment) -> Quota | None:
    """Limit no request."""
    return None


@dataclass(frozen=True)
class Handlers:
    """The callables of one worker. Each is called by several threads at once."""

    application: WSGIApplication
    render_refusal: Callable[[HTTPStatus, str, WSGIEnvironment], tuple[Headers, bytes]] = render_plainly
    """Headers and body for a request that the server rejects itself, called once for each. The reason is one English
    sentence. The environment has REMOTE_ADDR, and of the request what could be read."""
    judge_head: Callable[[WSGIEnvironment], FixedResponse | None] = pass_all
    """Called when a request's head is complete and before the rest of its body is read or asked for. What it returns,
    unless it is None, is sent instead of calling the application, and the connection closes. The environment is the one
    that the application gets later, still without wsgi.input, and with AWAITS_BODY."""
    quota_of: Callable[[WSGIEnvironment], Quota | None] = no_quota
    """Called before the rest of a body is read, or before the application is called: the quota that the request counts
    against. Where it does not allow the request, the application is called with quotas.REFUSAL in the environment, and
    without the body; it must then respond with an error at once."""

    def judging_application(self) -> WSGIApplication:
        """The application behind `judge_head`, for a server that calls it only once the body is there."""

        def judging(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            return (self.judge_head(environ) or self.application)(environ, start_response)

        return judging

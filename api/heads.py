"""Rejects a request by its head, before its body is read.

The application itself is called with the head alone, so all checks are in its own order. When it comes to the body,
the call ends, and the server calls it again once the body is there. What it must do once is kept in the environment.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn

from api.server.handlers import AWAITS_BODY, FixedResponse

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment


class BodyAwaited(BaseException):
    """The application needs the body. No handler of exceptions may take it for an error, so it is none of them."""


class AwaitedBody:
    """The wsgi.input of a request whose body is not there yet."""

    def read(self, size: int = -1) -> NoReturn:
        """Raise BodyAwaited."""
        raise BodyAwaited


def judge_head(application: WSGIApplication, environ: WSGIEnvironment) -> FixedResponse | None:
    """The response to a request that needs no body for it. None where it does, or the body is there."""
    if not environ.get(AWAITS_BODY):
        return None
    started: list[Any] = []
    of_head = {**environ, "wsgi.input": AwaitedBody()}
    if "CONTENT_LENGTH" not in environ:
        of_head["HTTP_TRANSFER_ENCODING"] = "chunked"
    try:
        body = b"".join(application(of_head, lambda *arguments: started.extend(arguments)))  # type: ignore[arg-type]
    except BodyAwaited:
        environ.update({key: value for key, value in of_head.items() if key.startswith("tasks.")})
        return None
    status, headers = started[:2]
    return FixedResponse(
        HTTPStatus(int(status[:3])),
        [(name, value) for name, value in headers if name.lower() != "content-length"],
        body,
    )

"""The response to a request that the server rejects before it calls the application, and its line in the log."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from api.errors import HTTP_RESPONSES, Code, ErrorRenderer
from api.private_headers import NO_SNIFF, NO_STORE
from api.request_ids import request_id

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

logger = logging.getLogger("api.refusals")


def render_refusal(
    errors: ErrorRenderer, status: HTTPStatus, reason: str, environ: WSGIEnvironment
) -> tuple[list[tuple[str, str]], bytes]:
    """Header fields and body. Only a 400 states its reason: any other status has one message in the whole service."""
    known = HTTP_RESPONSES.get(status, HTTP_RESPONSES[400])
    message = reason if known.code is Code.BAD_REQUEST else known.message
    identifier = request_id(environ.get("HTTP_X_REQUEST_ID"))
    if known.code is not Code.INTERNAL_ERROR:
        logger.info("refused %d from %s: %s (%s)", status, environ["REMOTE_ADDR"], message, identifier)
    headers = [
        ("Content-Type", "application/json"),
        NO_STORE,
        NO_SNIFF,
        ("X-Request-ID", identifier),
    ]
    return headers, errors.render(status, known.code, message, ())

"""The response to a request that the server rejects before it calls the application, and its line in the log."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

from api.error_handlers import ErrorRenderer
from api.errors import HTTP_RESPONSES, Code
from api.forwarded import Network, client_address
from api.private_headers import NO_SNIFF, NO_STORE
from api.request_ids import request_id
from api.trace_context import traceparent

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

logger = logging.getLogger("api.refusals")


def render_refusal(
    status: HTTPStatus,
    reason: str,
    environ: WSGIEnvironment,
    *,
    errors: ErrorRenderer,
    networks: Sequence[Network] = (),
) -> tuple[list[tuple[str, str]], bytes]:
    """Header fields and body. Only a 400 states its reason: any other status has one message in the whole service.

    `networks` are those of trusted proxies.
    """
    known = HTTP_RESPONSES.get(status, HTTP_RESPONSES[400])
    message = reason if known.code is Code.BAD_REQUEST else known.message
    identifier = request_id(environ.get("HTTP_X_REQUEST_ID"))
    if known.code is not Code.INTERNAL_ERROR:
        address = client_address(environ, networks)
        extra = {"request_id": identifier, "address": address}
        if trace := traceparent(environ.get("HTTP_TRACEPARENT")):
            extra["traceparent"] = trace
        logger.info("refused %d from %s: %s (%s)", status, address, message, identifier, extra=extra)
    headers = [
        ("Content-Type", "application/json"),
        NO_STORE,
        NO_SNIFF,
        ("X-Request-ID", identifier),
    ]
    return headers, errors.render(status, known.code, message, ())

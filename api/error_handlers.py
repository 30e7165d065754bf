"""Turns every exception into a response. A renderer writes the body as the frontend reads it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol

import falcon

from api.errors import (
    HTTP_RESPONSES,
    RESPONSES,
    WEAK_TAG,
    Code,
    ErrorResponse,
    FieldError,
    MalformedJSON,
    RateLimited,
    TaskChanged,
    UnknownPath,
    ValidationFailed,
)

logger = logging.getLogger("api.errors")


class ErrorRenderer(Protocol):
    """Writes errors as a frontend reads them."""

    def status_of(self, response: ErrorResponse) -> int:
        """The status of an error."""

    def render(self, status: int, code: Code, message: str, fields: Sequence[FieldError]) -> bytes:
        """The body, which is JSON."""


def add_error_handlers(app: falcon.App[Any, Any], renderer: ErrorRenderer) -> None:
    """Handle every exception, Falcon's own and unforeseen ones included.

    The renderer writes errors that occur before a resource is known; a resource may have another one.
    """

    def handle(req: falcon.Request, resp: falcon.Response, ex: Exception, params: dict[str, Any]) -> None:
        _write(req, resp, ex, req.context.errors or renderer)

    for error in (*RESPONSES, falcon.HTTPError, Exception):
        app.add_error_handler(error, handle)


class _Error(NamedTuple):
    """What the response to an exception says."""

    response: ErrorResponse
    message: str
    reason: str
    fields: Sequence[FieldError] = ()
    headers: Mapping[str, str] = {}


def _write(req: falcon.Request, resp: falcon.Response, ex: Exception, renderer: ErrorRenderer) -> None:
    error = _describe(req, ex)
    status = renderer.status_of(error.response)
    resp.status = HTTPStatus(status)
    resp.data = renderer.render(status, error.response.code, error.message, error.fields)
    resp.content_type = falcon.MEDIA_JSON
    resp.set_headers({**error.response.headers, **error.headers})
    req.context.error_reason = error.reason


def _describe(req: falcon.Request, ex: Exception) -> _Error:
    if type(ex) in RESPONSES:
        return _describe_domain_error(req, ex)
    if isinstance(ex, falcon.HTTPError):
        known = HTTP_RESPONSES.get(ex.status_code, HTTP_RESPONSES[400])
        response = ErrorResponse(ex.status_code, known.code, known.message)
        return _Error(response, known.message, known.code.value.lower(), headers=dict(ex.headers or {}))
    extra = {"request_id": req.context.request_id, "address": req.context.address}
    logger.error("unforeseen error", exc_info=ex, extra=extra)
    response = HTTP_RESPONSES[500]
    return _Error(response, response.message, response.code.value.lower())


def _describe_domain_error(req: falcon.Request, ex: Exception) -> _Error:
    response = RESPONSES[type(ex)]
    message = response.message
    fields: Sequence[FieldError] = ()
    headers: Mapping[str, str] = {}
    if isinstance(ex, ValidationFailed):
        fields = ex.fields
        message = fields[0].message if len(fields) == 1 else message
    elif isinstance(ex, (MalformedJSON, UnknownPath)):
        message = ex.args[0]
    elif isinstance(ex, TaskChanged) and req.context.sent_weak_tag:
        message = WEAK_TAG
    elif isinstance(ex, RateLimited):
        headers = {"Retry-After": str(ex.retry_after)}
    reason = getattr(ex, "reason", None) or getattr(ex, "kind", None) or response.code.value.lower()
    return _Error(response, message, reason, fields, headers)

"""The middleware, in the order of `app.py`'s list: log line, private headers, CORS, authentication, rate limit."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from time import perf_counter
from typing import Any, Final
from uuid import UUID

import structlog
from falcon import Response
from falcon_cors import CORS

from api.errors import Forbidden, MissingToken, RateLimited, TokenExpired, TokenInvalid
from api.ignored_input import IgnoredInput
from api.private_headers import NO_SNIFF, NO_STORE
from api.rate_limits import Allowance, RateLimit
from api.request_context import Request
from api.request_ids import request_id
from api.session_cookie import SessionCookie
from api.tokens import Tokens
from api.unknown_paths import reject_version

_BEARER: Final = re.compile(r"bearer +([^ ]+) *", re.IGNORECASE)

METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
REQUEST_HEADERS: Final = [
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "X-Request-ID",
]
RESPONSE_HEADERS: Final = [
    "ETag",
    "Link",
    "Location",
    "Retry-After",
    "X-Request-ID",
    "Idempotent-Replayed",
    "RateLimit",
    "RateLimit-Policy",
]
PREFLIGHT_MAX_AGE: Final = 600


class RequestLog:
    """Gives each request an id, and logs its outcome in one line."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()

    def process_request(self, req: Request, resp: Response) -> None:
        req.context.request_id = request_id(req.get_header("X-Request-ID"))
        resp.set_header("X-Request-ID", req.context.request_id)

    def process_response(self, req: Request, resp: Response, resource: object, req_succeeded: bool) -> None:
        context = req.context
        status = resp.status_code
        details = dict(context.details)
        if context.identity is not None:
            details["user_id"] = context.identity.user_id
        if not req_succeeded:
            if context.event == "request":
                context.event = "refused" if status < 500 else "failed"
            details["reason"] = context.error_reason
        log = self._log.error if status >= 500 else self._log.info
        log(
            context.event,
            request_id=context.request_id,
            method=req.method,
            path=req.path,
            status=status,
            ms=round((perf_counter() - context.started) * 1000, 2),
            **details,
        )


class PrivateHeaders:
    """Sets the private header fields on every response. A resource may set another Cache-Control."""

    def process_response(self, req: Request, resp: Response, resource: object, req_succeeded: bool) -> None:
        resp.set_header(*NO_SNIFF)
        if resp.get_header(NO_STORE[0]) is None:
            resp.set_header(*NO_STORE)


class CrossOrigin:
    """Sets CORS header fields on every response, errors and unknown paths included.

    falcon-cors decides their values. Its own middleware is not used, because it misses requests that fail before
    they reach a resource, and never sets `Vary: Origin`.
    """

    def __init__(self, origins: Sequence[str], ignored: IgnoredInput) -> None:
        self._ignored = ignored
        quiet = logging.getLogger("api.cors")
        quiet.setLevel(logging.WARNING)
        self._policy = CORS(
            logger=quiet,
            allow_origins_list=list(origins),
            allow_credentials_origins_list=list(origins),
            allow_methods_list=METHODS,
            allow_headers_list=REQUEST_HEADERS,
            expose_headers_list=RESPONSE_HEADERS,
            max_age=PREFLIGHT_MAX_AGE,
        )

    def process_response(self, req: Request, resp: Response, resource: object, req_succeeded: bool) -> None:
        resp.append_header("Vary", "Origin")
        if "HTTP_ORIGIN" in req.env:
            self._policy.process(req, resp, resource)
            if req.method == "OPTIONS" and resp.get_header("Access-Control-Allow-Origin") is None:
                self._ignored.note_origin(req.env["HTTP_ORIGIN"])


class Authentication:
    """Sets `req.context.identity` from the bearer token, unless the resource needs none.

    The token may also be in a cookie, if the resource has one. A `{user_id}` in the path must be the token's. This is
    checked before the body is read. If user ids are UUIDs (`uuid_users`), a token with any other id is rejected.
    """

    def __init__(
        self, tokens: Tokens, ignored: IgnoredInput, cookie: SessionCookie | None = None, *, uuid_users: bool = False
    ) -> None:
        self._tokens = tokens
        self._ignored = ignored
        self._cookie = cookie
        self._uuid_users = uuid_users

    def process_resource(self, req: Request, resp: Response, resource: Any, params: dict[str, Any]) -> None:
        req.context.errors = getattr(resource, "errors", None)
        if req.method == "OPTIONS" or not getattr(resource, "auth_required", True):
            return
        cookie: SessionCookie | None = getattr(resource, "cookie", None)
        token = _bearer_token(req) or (cookie and cookie.read(req))
        if not token:
            raise MissingToken
        identity = self._tokens.verify(token)
        if self._uuid_users and not _is_canonical_uuid(identity.user_id):
            raise TokenInvalid("user_id")
        req.context.identity = identity
        owner = params.pop("user_id", identity.user_id)
        if owner != identity.user_id:
            reject_version(owner)
            raise Forbidden

    def process_response(self, req: Request, resp: Response, resource: Any, req_succeeded: bool) -> None:
        if req_succeeded:
            return
        if resource is None:
            self._note_path(req)
        elif resp.status_code == HTTPStatus.UNAUTHORIZED:
            # A browser would send an expired token again and again, and the page cannot delete it.
            cookie: SessionCookie | None = getattr(resource, "cookie", None)
            if cookie is not None and req.get_cookie_values(cookie.name):
                cookie.clear(req, resp)

    def _note_path(self, req: Request) -> None:
        cookies = req.get_cookie_values(self._cookie.name) if self._cookie is not None else None
        token = _bearer_token(req) or (cookies and cookies[0])
        if token:
            with suppress(TokenInvalid, TokenExpired):
                identity = self._tokens.verify(token)
                self._ignored.note_path(req.method, req.path, identity.user_id)


def _bearer_token(req: Request) -> str | None:
    """The token of the Authorization field (RFC 6750, section 2.1). None for any other scheme."""
    match = _BEARER.fullmatch(req.get_header("Authorization") or "")
    return match[1] if match else None


def _is_canonical_uuid(user_id: str) -> bool:
    """Whether the id is a UUID in PostgreSQL's spelling. Other programs take another spelling for another user."""
    try:
        return str(UUID(user_id)) == user_id
    except ValueError:
        return False


class RateLimiting:
    """Counts a user's calls against `limit`. None means no limit."""

    def __init__(self, limit: RateLimit | None) -> None:
        self._limit = limit

    def process_resource(self, req: Request, resp: Response, resource: object, params: dict[str, Any]) -> None:
        if self._limit is None or req.context.identity is None:
            return
        count_call(self._limit, req.context.identity.user_id, resp)


def count_call(limit: RateLimit, caller: str, resp: Response) -> None:
    """Count one call of `caller`, and set the header fields with the calls that remain. Raises RateLimited.

    The fields are those of draft-ietf-httpapi-ratelimit-headers-10.
    """
    allowance: Allowance | None = limit.take(caller)
    if allowance is None:
        return
    resp.set_header("RateLimit-Policy", limit.policy)
    resp.set_header("RateLimit", f'"{limit.name}";r={allowance.remaining};t={allowance.reset}')
    if not allowance.allowed:
        raise RateLimited(allowance.reset)

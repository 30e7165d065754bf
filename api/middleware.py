"""The middleware, in the order of `app.py`'s list: log line, private headers, CORS, authentication, rate limit.

The last one, `ConcurrencyLimiting`, is in user_share.py.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from time import perf_counter
from typing import Any, Final
from uuid import UUID

import structlog
from falcon import Response
from falcon_cors import CORS

from api.errors import DomainError, Forbidden, MissingToken, RateLimited, TokenInvalid
from api.private_headers import NO_SNIFF, NO_STORE
from api.rate_limits import Allowance, RateLimit
from api.request_context import Request
from api.request_ids import request_id
from api.tokens import Identity, Tokens

_BEARER: Final = re.compile(r"bearer +([^ ]+) *", re.IGNORECASE)

_IDENTITY: Final = "tasks.identity"
"""The key in the WSGI environment of the verified identity, or of the error that verifying raised."""

_ALLOWANCES: Final = "tasks.allowances"
"""The key of the calls that the request has been counted as, with what remained of each limit."""

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

    def __init__(self, origins: Sequence[str]) -> None:
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


class Authentication:
    """Sets `req.context.identity` from the bearer token, unless the resource needs none.

    A `{user_id}` in the path must be the token's. This is checked before the body is read. If user ids are UUIDs
    (`uuid_users`), a token with any other id is rejected. A request's token is verified once: the server asks for the
    identity too, before it calls the application (user_share.py).
    """

    def __init__(self, tokens: Tokens, *, uuid_users: bool = False) -> None:
        self._tokens = tokens
        self._uuid_users = uuid_users

    def process_resource(self, req: Request, resp: Response, resource: Any, params: dict[str, Any]) -> None:
        req.context.invalid_status = getattr(resource, "invalid_status", req.context.invalid_status)
        if req.method == "OPTIONS" or not getattr(resource, "auth_required", True):
            return
        req.context.identity = identity = self.identify(req.env)
        if params.pop("user_id", identity.user_id) != identity.user_id:
            raise Forbidden

    def identify(self, environ: dict[str, Any]) -> Identity:
        """The user of a request's token. Raises the error that makes the request a 401."""
        known = environ.get(_IDENTITY)
        if known is None:
            try:
                known = self._verify(environ.get("HTTP_AUTHORIZATION", ""))
            except DomainError as ex:
                known = ex
            environ[_IDENTITY] = known
        if isinstance(known, DomainError):
            raise known
        identity: Identity = known
        return identity

    def _verify(self, credentials: str) -> Identity:
        match = _BEARER.fullmatch(credentials)
        if match is None:
            raise MissingToken
        identity = self._tokens.verify(match[1])
        if self._uuid_users and not _is_canonical_uuid(identity.user_id):
            raise TokenInvalid("user_id")
        return identity


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
        count_call(self._limit, req.context.identity.user_id, req, resp)


def count_call(limit: RateLimit, caller: str, req: Request, resp: Response) -> None:
    """Count one call of `caller`, and set the header fields with the calls that remain. Raises RateLimited.

    A request is counted once, also if it is judged by its head first. The fields are those of
    draft-ietf-httpapi-ratelimit-headers-10.
    """
    counted: dict[tuple[str, str], Allowance | None] = req.env.setdefault(_ALLOWANCES, {})
    if (limit.name, caller) not in counted:
        counted[limit.name, caller] = limit.take(caller)
    allowance = counted[limit.name, caller]
    if allowance is None:
        return
    resp.set_header("RateLimit-Policy", limit.policy)
    resp.set_header("RateLimit", f'"{limit.name}";r={allowance.remaining};t={allowance.reset}')
    if not allowance.allowed:
        raise RateLimited(allowance.reset)

"""What every request passes, in the order of `app.py`'s list: log line, headers, CORS, authentication, rate limit."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import structlog
from falcon import Request, Response
from falcon_cors import CORS

from api.errors import Forbidden, MissingToken, RateLimited, TokenInvalid
from api.rate_limits import Allowance, RateLimit
from api.request_ids import request_id
from api.tokens import Tokens

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
    """A request id for each request, and one log line that says what became of it.

    The line's event is what a resource named in `req.context.event`; never a title, an e-mail, a token or a body.
    """

    def __init__(self) -> None:
        self._log = structlog.get_logger()

    def process_request(self, req: Request, resp: Response) -> None:
        context = req.context
        context.started = time.perf_counter()
        context.request_id = request_id(req.get_header("X-Request-ID"))
        context.event = "request"
        context.user_id = None
        context.details = {}
        resp.set_header("X-Request-ID", context.request_id)

    def process_response(self, req: Request, resp: Response, resource: object, req_succeeded: bool) -> None:
        context = req.context
        status = resp.status_code
        details = dict(context.details)
        if context.user_id is not None:
            details["user_id"] = context.user_id
        if not req_succeeded:
            if context.event == "request":
                context.event = "refused" if status < 500 else "failed"
            details["reason"] = getattr(context, "refusal", "unknown")
        log = self._log.error if status >= 500 else self._log.info
        log(
            context.event,
            request_id=context.request_id,
            method=req.method,
            path=req.path,
            status=status,
            ms=round((time.perf_counter() - context.started) * 1000, 2),
            **details,
        )


class PrivateHeaders:
    """Answers hold a user's data: no cache keeps them unless a resource says so, no browser guesses their type."""

    def process_response(self, req: Request, resp: Response, resource: object, req_succeeded: bool) -> None:
        resp.set_header("X-Content-Type-Options", "nosniff")
        if resp.get_header("Cache-Control") is None:
            resp.set_header("Cache-Control", "no-store")


class CrossOrigin:
    """CORS on every answer, errors and unknown paths included.

    falcon-cors decides; it is called here and not as its own middleware, which sees no request that ends before its
    resource, and never says that answers vary by origin.
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
    """Sets `req.context.user_id` and `.identity` from the bearer token, unless the resource needs none.

    A `{user_id}` in the path must be the token's, which is settled here, before any body is read. Where user
    ids are UUIDs (`uuid_users`), no other id can be anybody's.
    """

    def __init__(self, tokens: Tokens, *, uuid_users: bool = False) -> None:
        self._tokens = tokens
        self._uuid_users = uuid_users

    def process_resource(self, req: Request, resp: Response, resource: Any, params: dict[str, Any]) -> None:
        req.context.invalid_status = getattr(resource, "invalid_status", 422)
        if req.method == "OPTIONS" or not getattr(resource, "auth_required", True):
            return
        match = _BEARER.fullmatch(req.get_header("Authorization") or "")
        if match is None:
            raise MissingToken
        identity = self._tokens.verify(match[1])
        if self._uuid_users and not _is_canonical_uuid(identity.user_id):
            raise TokenInvalid("user_id")
        req.context.identity = identity
        req.context.user_id = identity.user_id
        if params.pop("user_id", identity.user_id) != identity.user_id:
            raise Forbidden


def _is_canonical_uuid(user_id: str) -> bool:
    """Whether the id is a uuid as PostgreSQL writes it: another spelling would be another user to everyone else."""
    try:
        return str(UUID(user_id)) == user_id
    except ValueError:
        return False


class RateLimiting:
    """A user's calls are counted once the user is known; `None` counts nothing."""

    def __init__(self, limit: RateLimit | None) -> None:
        self._limit = limit

    def process_resource(self, req: Request, resp: Response, resource: object, params: dict[str, Any]) -> None:
        if self._limit is None or req.context.user_id is None:
            return
        count_call(self._limit, req.context.user_id, resp)


def count_call(limit: RateLimit, caller: str, resp: Response) -> None:
    """Count one call of `caller` and say what is left; raises RateLimited.

    The headers are those of draft-ietf-httpapi-ratelimit-headers-10.
    """
    allowance: Allowance | None = limit.take(caller)
    if allowance is None:
        return
    resp.set_header("RateLimit-Policy", limit.policy)
    resp.set_header("RateLimit", f'"{limit.name}";r={allowance.remaining};t={allowance.reset}')
    if not allowance.allowed:
        raise RateLimited(allowance.reset)

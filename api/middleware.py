"""The middleware, in the order of `app.py`'s list: log line, private headers, authentication, rate limit.

CORS, between private headers and authentication, is in cross_origin.py.
"""

from __future__ import annotations

import re
from time import perf_counter
from typing import Any, Final

import structlog
from falcon import Response

from api.anonymous import AnonymousUser
from api.errors import Forbidden, MissingToken, RateLimited, TokenInvalid
from api.private_headers import NO_SNIFF, NO_STORE
from api.rate_limits import Allowance, RateLimit
from api.request_context import Request
from api.request_ids import request_id
from api.tokens import Identity, Tokens
from api.users_table import is_canonical_uuid

_BEARER: Final = re.compile(r"bearer +([^ ]+) *", re.IGNORECASE)


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


class Authentication:
    """Sets `req.context.identity` from the bearer token, unless the resource needs none.

    A `{user_id}` in the path must be the token's. This is checked before the body is read. If user ids are UUIDs
    (`uuid_users`), a token with any other id is rejected. A request without an Authorization header is `anonymous`.
    """

    def __init__(self, tokens: Tokens, *, uuid_users: bool = False, anonymous: AnonymousUser | None = None) -> None:
        self._tokens = tokens
        self._uuid_users = uuid_users
        self._anonymous = anonymous

    def process_resource(self, req: Request, resp: Response, resource: Any, params: dict[str, Any]) -> None:
        req.context.invalid_status = getattr(resource, "invalid_status", req.context.invalid_status)
        if req.method == "OPTIONS" or not getattr(resource, "auth_required", True):
            return
        identity = self._identify(req)
        if self._uuid_users and not is_canonical_uuid(identity.user_id):
            raise TokenInvalid("user_id")
        req.context.identity = identity
        if params.pop("user_id", identity.user_id) != identity.user_id:
            raise Forbidden

    def _identify(self, req: Request) -> Identity:
        header = req.get_header("Authorization")
        if header is None and self._anonymous is not None:
            return self._anonymous.identify(req)
        match = _BEARER.fullmatch(header or "")
        if match is None:
            raise MissingToken
        return self._tokens.verify(match[1])


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

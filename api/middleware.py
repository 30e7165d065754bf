"""The middleware, in the order of `app.py`'s list: log line, private headers, authentication, rate limit.

CORS, between private headers and authentication, is in cross_origin.py. The last one, `ConcurrencyLimiting`, is in
user_share.py.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from time import perf_counter
from typing import Any, Final

import structlog
from falcon import Response

from api.anonymous import AnonymousUser
from api.errors import DomainError, Forbidden, MissingToken, RateLimited, TokenInvalid
from api.ignored_input import IgnoredInput
from api.private_headers import NO_SNIFF, NO_STORE
from api.rate_limits import Allowance, RateLimit
from api.request_context import Request
from api.request_ids import request_id
from api.session_cookie import SessionCookie
from api.tokens import Identity, Tokens
from api.trace_context import traceparent
from api.unknown_paths import reject_version
from api.users_table import is_canonical_uuid

_IDENTITY: Final = "tasks.identity"
"""The key in the WSGI environment of the verified identity, or of the error that verifying raised."""

_ALLOWANCES: Final = "tasks.allowances"
"""The key of the calls that the request has been counted as, with what remained of each limit."""


class RequestLog:
    """Gives each request an id, and logs its outcome in one line, with the client's address that `address_of` finds."""

    def __init__(self, address_of: Callable[[dict[str, Any]], str]) -> None:
        self._log = structlog.get_logger()
        self._address_of = address_of

    def process_request(self, req: Request, resp: Response) -> None:
        req.context.request_id = request_id(req.get_header("X-Request-ID"))
        resp.set_header("X-Request-ID", req.context.request_id)
        req.context.address = self._address_of(req.env)

    def process_response(self, req: Request, resp: Response, resource: object, req_succeeded: bool) -> None:
        context = req.context
        status = resp.status_code
        if not req_succeeded and context.event == "request":
            context.event = "refused" if status < 500 else "failed"
        level = logging.ERROR if status >= 500 else logging.INFO
        log = self._log.bind()
        if not log.is_enabled_for(level):
            return
        details = dict(context.details)
        if context.identity is not None:
            details["user_id"] = context.identity.user_id
        if not req_succeeded:
            details["reason"] = context.error_reason
        if trace := traceparent(req.get_header("traceparent")):
            details["traceparent"] = trace
        log.log(
            level,
            context.event,
            request_id=context.request_id,
            address=context.address,
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

    The token may also be in a cookie, if the resource has one. A request with neither is `anonymous`. A `{user_id}` in
    the path must be the token's. This is checked before the body is read. If user ids are UUIDs (`uuid_users`), a token
    with any other id is rejected. A token in the Authorization field is verified once: the server asks for the identity
    too, before it calls the application (user_share.py).
    """

    def __init__(
        self,
        tokens: Tokens,
        ignored: IgnoredInput,
        *,
        uuid_users: bool = False,
        anonymous: AnonymousUser | None = None,
        cookies: Sequence[str] = (),
    ) -> None:
        self._tokens = tokens
        self._cookies = cookies
        self._ignored = ignored
        self._uuid_users = uuid_users
        self._anonymous = anonymous

    def process_resource(self, req: Request, resp: Response, resource: Any, params: dict[str, Any]) -> None:
        req.context.errors = getattr(resource, "errors", None)
        if req.method == "OPTIONS" or not getattr(resource, "auth_required", True):
            return
        req.context.identity = identity = self._identify(req, getattr(resource, "cookie", None))
        owner = params.pop("user_id", identity.user_id)
        if owner != identity.user_id:
            reject_version(owner)
            raise Forbidden

    def identify(self, environ: dict[str, Any]) -> Identity:
        """The user of a request's token. Raises the error that makes the request a 401."""
        known = environ.get(_IDENTITY)
        if known is None:
            try:
                known = self._verify(_bearer_token(environ.get("HTTP_AUTHORIZATION", "")))
            except DomainError as ex:
                known = ex
            environ[_IDENTITY] = known
        if isinstance(known, DomainError):
            raise known
        identity: Identity = known
        return identity

    def identify_caller(self, environ: dict[str, Any]) -> Identity:
        """The same, also for a token in a cookie: whose work a request is, before its resource is known."""
        if "HTTP_AUTHORIZATION" in environ or not self._cookies:
            return self.identify(environ)
        cookies: SimpleCookie = SimpleCookie()
        with suppress(CookieError):
            cookies.load(environ.get("HTTP_COOKIE", ""))
        return self._verify(next((cookies[name].value for name in self._cookies if name in cookies), None))

    def process_response(self, req: Request, resp: Response, resource: Any, req_succeeded: bool) -> None:
        if req_succeeded:
            return
        if resource is None:
            self._note_path(req)
        elif resp.status_code == HTTPStatus.UNAUTHORIZED and getattr(resource, "auth_required", True):
            # A browser would send an expired token again and again, and the page cannot delete it.
            cookie: SessionCookie | None = getattr(resource, "cookie", None)
            if cookie is not None and req.get_cookie_values(cookie.name):
                cookie.clear(req, resp)

    def _identify(self, req: Request, cookie: SessionCookie | None) -> Identity:
        if "HTTP_AUTHORIZATION" not in req.env:
            token = cookie.read(req) if cookie is not None else None
            if token is not None:
                return self._verify(token)
            if self._anonymous is not None:
                return self._anonymous.identify(req)
        return self.identify(req.env)

    def _verify(self, token: str | None) -> Identity:
        if not token:
            raise MissingToken
        identity = self._tokens.verify(token)
        if self._uuid_users and not is_canonical_uuid(identity.user_id):
            raise TokenInvalid("user_id")
        return identity

    def _note_path(self, req: Request) -> None:
        with suppress(DomainError):
            identity = self.identify_caller(req.env)
            self._ignored.note_path(req.method, req.path, identity.user_id)


def _bearer_token(header: str) -> str | None:
    """The token in a value of Authorization (RFC 6750, section 2.1). None for any other scheme."""
    scheme, _, rest = header.partition(" ")
    token = rest.strip(" ")
    return token if scheme.lower() == "bearer" and token and " " not in token else None


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
    report_limit(limit, allowance, resp)
    if not allowance.allowed:
        raise RateLimited(allowance.reset)


def report_limit(limit: RateLimit, allowance: Allowance, resp: Response) -> None:
    """Set the header fields of a limit."""
    resp.set_header("RateLimit-Policy", limit.policy)
    resp.set_header("RateLimit", f'"{limit.name}";r={allowance.remaining};t={allowance.reset}')

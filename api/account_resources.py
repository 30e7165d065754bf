"""The Falcon resources of local accounts: register, log in, renew. Each responds with a token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import falcon
import orjson
from falcon import Response

from api.accounts import Accounts
from api.errors import InvalidCredentials, RateLimited
from api.forwarded import rate_limit_key
from api.login_guard import CountedCall, LoginGuard, check_allowance
from api.middleware import report_limit
from api.rate_limits import Allowance
from api.reading import read_json
from api.request_context import Request
from api.tokens import Identity, Tokens
from api.validation import Schema


class AccountServices:
    """What the resources share: the accounts, the tokens, and the guard of log-ins if there is one."""

    def __init__(
        self,
        accounts: Accounts,
        tokens: Tokens,
        *,
        token_ttl: int,
        guard: LoginGuard | None,
        address_of: Callable[[dict[str, Any]], str],
    ) -> None:
        self.accounts = accounts
        self._tokens = tokens
        self._token_ttl = token_ttl
        self._guard = guard
        self._address_of = address_of

    def count_call(self, req: Request, resp: Response) -> CountedCall | None:
        """Count a call of this address, and report its limit. None if there is no limit."""
        if self._guard is None:
            return None
        call = self._guard.count_call(rate_limit_key(self._address_of(req.env)))
        report_limit(self._guard.reported, call.allowance, resp)
        return call

    def report_exhausted(self, resp: Response, ex: RateLimited) -> None:
        """Report that no call is left, whichever of the guard's limits was passed."""
        if self._guard is not None:
            report_limit(self._guard.reported, Allowance(False, 0, ex.retry_after), resp)

    def respond_with_token(self, req: Request, resp: Response, identity: Identity) -> None:
        """Respond with a token for the account."""
        user = {"id": identity.user_id, "email": identity.email, "name": identity.name}
        token = self._tokens.issue(identity, self._token_ttl)
        body = {"token": token, "token_type": "Bearer", "expires_in": self._token_ttl, "user": user}
        resp.data = orjson.dumps({"data": body})
        req.context.identity = identity


class Registration:
    """POST creates a local account."""

    auth_required = False
    invalid_status = 400

    def __init__(self, services: AccountServices) -> None:
        self._services = services
        self._schema = Schema("register.json")

    def on_post(self, req: Request, resp: Response) -> None:
        call = self._services.count_call(req, resp)
        if call is not None:
            check_allowance(call.allowance)
        fields = self._schema.validate(read_json(req))
        identity = self._services.accounts.register(fields["email"], fields["password"], fields.get("name"), call)
        req.context.event = "user_registered"
        resp.status = falcon.HTTP_201
        self._services.respond_with_token(req, resp, identity)


class Login:
    """POST checks a local account's password."""

    auth_required = False
    invalid_status = 400

    def __init__(self, services: AccountServices) -> None:
        self._services = services
        self._schema = Schema("login.json")

    def on_post(self, req: Request, resp: Response) -> None:
        # A call past the address's limit is read: the account may be known from there.
        call = self._services.count_call(req, resp)
        fields = self._schema.validate(read_json(req))
        try:
            identity = self._services.accounts.log_in(fields["email"], fields["password"], call)
        except InvalidCredentials:
            req.context.event = "login_failed"
            raise
        except RateLimited as ex:
            self._services.report_exhausted(resp, ex)
            raise
        req.context.event = "user_logged_in"
        self._services.respond_with_token(req, resp, identity)


class Renewal:
    """POST exchanges a valid token of a local account for a new one."""

    def __init__(self, services: AccountServices) -> None:
        self._services = services

    def on_post(self, req: Request, resp: Response) -> None:
        identity = self._services.accounts.renew(req.context.user)
        req.context.event = "token_renewed"
        self._services.respond_with_token(req, resp, identity)

"""The Falcon resources of local accounts: register and log in. Each responds with a token."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import falcon
import orjson
from falcon import Response

from api.accounts import Accounts
from api.errors import InvalidCredentials
from api.forwarded import rate_limit_key
from api.middleware import count_call
from api.rate_limits import RateLimit
from api.reading import read_json
from api.request_context import Request
from api.text import fold_case
from api.tokens import Identity, Tokens
from api.validation import Schema


class AccountServices:
    """What both resources need: the accounts, the tokens, and the rate limit of addresses and e-mails."""

    def __init__(
        self,
        accounts: Accounts,
        tokens: Tokens,
        *,
        token_ttl: int,
        limit: RateLimit | None,
        address_of: Callable[[dict[str, Any]], str],
    ) -> None:
        self.accounts = accounts
        self._tokens = tokens
        self._token_ttl = token_ttl
        self._limit = limit
        self._address_of = address_of

    def count_address(self, req: Request, resp: Response) -> None:
        """Count a call from this address. Raises RateLimited."""
        if self._limit is not None:
            count_call(self._limit, f"address:{rate_limit_key(self._address_of(req.env))}", req, resp)

    def count_email(self, email: str, req: Request, resp: Response) -> None:
        """Count a call for this e-mail, from any address. Raises RateLimited."""
        if self._limit is not None:
            digest = hashlib.sha256(fold_case(email).encode()).hexdigest()
            count_call(self._limit, f"email:{digest}", req, resp)

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
    hashes_passwords = True
    invalid_status = 400

    def __init__(self, services: AccountServices) -> None:
        self._services = services
        self._schema = Schema("register.json")

    def on_post(self, req: Request, resp: Response) -> None:
        self._services.count_address(req, resp)
        fields = self._schema.validate(read_json(req))
        self._services.count_email(fields["email"], req, resp)
        identity = self._services.accounts.register(fields["email"], fields["password"], fields.get("name"))
        req.context.event = "user_registered"
        resp.status = falcon.HTTP_201
        self._services.respond_with_token(req, resp, identity)


class Login:
    """POST checks a local account's password."""

    auth_required = False
    hashes_passwords = True
    invalid_status = 400

    def __init__(self, services: AccountServices) -> None:
        self._services = services
        self._schema = Schema("login.json")

    def on_post(self, req: Request, resp: Response) -> None:
        self._services.count_address(req, resp)
        fields = self._schema.validate(read_json(req))
        self._services.count_email(fields["email"], req, resp)
        try:
            identity = self._services.accounts.log_in(fields["email"], fields["password"])
        except InvalidCredentials:
            req.context.event = "login_failed"
            raise
        req.context.event = "user_logged_in"
        self._services.respond_with_token(req, resp, identity)

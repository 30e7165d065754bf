"""The Falcon resources of accounts: register, log in, renew, show the user, log out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from falcon import HTTP_204, Response

from api.accounts import Accounts
from api.digests import KeyedDigests
from api.errors import InvalidCredentials, RateLimited
from api.forwarded import rate_limit_key
from api.login_guard import CountedCall, LoginGuard, check_allowance
from api.middleware import report_limit
from api.profiles.account_format import AccountFormat, Session
from api.rate_limits import Allowance
from api.reading import read_body, read_json
from api.request_context import Request
from api.resources import Mount
from api.text import fold_case
from api.tokens import Identity, Tokens
from api.users_table import UserNames, Users

FORM: Final = "application/x-www-form-urlencoded"

_COUNTED: Final = "tasks.counted_call"
"""The key in the WSGI environment of the call as the guard has counted it."""


class AccountServices:
    """What the resources that give tokens need: the accounts, the tokens, and the guard of log-ins if there is one."""

    def __init__(
        self,
        accounts: Accounts,
        tokens: Tokens,
        *,
        token_ttl: int,
        guard: LoginGuard | None,
        digests: KeyedDigests,
    ) -> None:
        self.accounts = accounts
        self._tokens = tokens
        self._token_ttl = token_ttl
        self._guard = guard
        self._digests = digests

    def count_call(self, req: Request, resp: Response) -> CountedCall | None:
        """Count a call of this address, and report its limit. None if there is no limit."""
        if self._guard is None:
            return None
        # The head of a request is judged before its body is there: the call is counted once.
        call: CountedCall | None = req.env.get(_COUNTED)
        if call is None:
            call = req.env[_COUNTED] = self._guard.count_call(rate_limit_key(req.context.address))
        report_limit(self._guard.reported, call.allowance, resp)
        return call

    def check_call(self, req: Request, call: CountedCall | None) -> None:
        """Raise RateLimited if the address has made too many calls."""
        if call is not None and not call.allowance.allowed:
            req.context.event = "throttled"
            check_allowance(call.allowance)

    def report_exhausted(self, req: Request, resp: Response, ex: RateLimited) -> None:
        """Report that no call is left, whichever of the guard's limits was passed."""
        req.context.event = "throttled"
        if self._guard is not None:
            report_limit(self._guard.reported, Allowance(False, 0, ex.retry_after), resp)

    def note_account(self, req: Request, email: str) -> None:
        """Note the account for the log: 16 digits that are the same for all spellings, and show no e-mail."""
        req.context.details["account"] = self._digests.digest("log", fold_case(email)).hex()[:16]

    def open_session(self, identity: Identity) -> Session:
        """A token for the account."""
        return Session(self._tokens.issue(identity, self._token_ttl), self._token_ttl, identity)


class AccountResource:
    """What the account resources of one wire format share."""

    def __init__(self, mount: Mount) -> None:
        self.wire_format = mount.wire_format
        self.errors = mount.wire_format.errors.for_accounts()
        self.cookie = mount.cookie
        self.root = mount.root
        self._format: AccountFormat = mount.wire_format.accounts

    def _read(self, req: Request) -> object:
        if self._format.takes_forms and (req.content_type or "").partition(";")[0].strip().lower() == FORM:
            return dict(parse_qsl(read_body(req).decode("utf-8", "replace"), keep_blank_values=True))
        return read_json(req)

    def _check_origin(self, req: Request) -> None:
        if self.cookie is not None:
            self.cookie.check_origin(req)

    def _set_session(self, req: Request, resp: Response, session: Session, body: bytes) -> None:
        resp.data = body
        req.context.identity = session.user
        if self.cookie is not None:
            self.cookie.set(req, resp, session.token, session.expires_in)


class Registration(AccountResource):
    """POST creates a local account."""

    auth_required = False
    hashes_passwords = True

    def __init__(self, mount: Mount, services: AccountServices) -> None:
        super().__init__(mount)
        self._services = services

    def on_post(self, req: Request, resp: Response) -> None:
        call = self._services.count_call(req, resp)
        self._services.check_call(req, call)
        self._check_origin(req)
        fields = self._format.read_registration(self._read(req))
        self._services.note_account(req, fields["email"])
        identity = self._services.accounts.register(fields["email"], fields["password"], fields.get("name"), call)
        req.context.event = "user_registered"
        resp.status = self._format.registered_status
        session = self._services.open_session(identity)
        self._set_session(req, resp, session, self._format.write_registered(session))


class Login(AccountResource):
    """POST checks a local account's password."""

    auth_required = False
    hashes_passwords = True

    def __init__(self, mount: Mount, services: AccountServices) -> None:
        super().__init__(mount)
        self._services = services

    def on_post(self, req: Request, resp: Response) -> None:
        # A call past the address's limit is read: the account may be known from there.
        call = self._services.count_call(req, resp)
        self._check_origin(req)
        fields = self._format.read_login(self._read(req))
        self._services.note_account(req, fields["email"])
        try:
            identity = self._services.accounts.log_in(fields["email"], fields["password"], call)
        except InvalidCredentials:
            req.context.event = "login_failed"
            raise
        except RateLimited as ex:
            self._services.report_exhausted(req, resp, ex)
            raise
        req.context.event = "user_logged_in"
        session = self._services.open_session(identity)
        self._set_session(req, resp, session, self._format.write_session(session))


class Renewal(AccountResource):
    """POST exchanges a valid token of a local account for a new one."""

    def __init__(self, mount: Mount, services: AccountServices) -> None:
        super().__init__(mount)
        self._services = services

    def on_post(self, req: Request, resp: Response) -> None:
        session = self._services.open_session(self._services.accounts.renew(req.context.user))
        req.context.event = "token_renewed"
        self._set_session(req, resp, session, self._format.write_session(session))


class CurrentUser(AccountResource):
    """GET shows the token's user, with name and e-mail as the users table has them. `verify` takes POST, too."""

    def __init__(self, mount: Mount, users: Users, names: UserNames, *, takes_post: bool = False) -> None:
        super().__init__(mount)
        self._users = users
        self._names = names
        self.methods = ("get", "post") if takes_post else ("get",)
        if takes_post:
            self.on_post = self.on_get

    def on_get(self, req: Request, resp: Response) -> None:
        self._users.confirm(req.context.user)
        resp.data = self._format.write_profile(self._names.find(req.context.user))

    def on_head(self, req: Request, resp: Response) -> None:
        self.on_get(req, resp)


class Logout(AccountResource):
    """POST deletes the cookie. The token stays valid until it expires: no list of tokens is kept."""

    auth_required = False

    def on_post(self, req: Request, resp: Response) -> None:
        self._check_origin(req)
        if self.cookie is not None:
            self.cookie.clear(req, resp)
        body = self._format.write_logged_out()
        resp.data = body
        if body is None:
            resp.status = HTTP_204


def account_routes(
    mount: Mount, services: AccountServices | None, users: Users, names: UserNames
) -> list[tuple[str, Any]]:
    """(URI template, resource) pairs. Without `services` no accounts are kept here, so that nothing gives tokens."""
    makers: Mapping[str, Any] = {
        "me": lambda: CurrentUser(mount, users, names),
        "verify": lambda: CurrentUser(mount, users, names, takes_post=True),
        "logout": lambda: Logout(mount),
    }
    if services is not None:
        makers = {
            "register": lambda: Registration(mount, services),
            "login": lambda: Login(mount, services),
            "renew": lambda: Renewal(mount, services),
            **makers,
        }
    paths = mount.wire_format.accounts.paths
    return [(f"{mount.root}{path}", make()) for name, make in makers.items() for path in paths[name]]

"""Local accounts: registering, logging in with a password, and renewing a log-in. No HTTP."""

from __future__ import annotations

import logging
import time
import uuid
from typing import Final

import psycopg2
from peewee import SQL, fn

from api.account_emails import Account, find_account
from api.errors import (
    EmailTaken,
    FieldError,
    InvalidCredentials,
    TokenExpired,
    TokenInvalid,
    UnknownUser,
    ValidationFailed,
)
from api.login_guard import CountedCall, LoginGuard
from api.models import User
from api.password_hasher import PasswordHasher, cost_of
from api.passwords import repeats
from api.postgres.database import Database
from api.postgres.errors import DatabaseUnavailable, Overloaded
from api.postgres.statements import Parameter, render
from api.text import fold_case
from api.tokens import Identity

logger = logging.getLogger("api.accounts")

_COLUMNS: Final = (User.id, User.email, User.email_folded, User.name, User.password_hash)
_INSERT: Final = render(
    User.insert({column: Parameter(column.name) for column in _COLUMNS}).on_conflict_ignore().returning(User.id)
)
_FIND_ENABLED: Final = render(
    User.select(User.email, User.name, fn.floor(fn.date_part(SQL("'epoch'"), User.signed_out_at))).where(
        (User.id == Parameter("id")) & User.password_hash.is_null(False) & User.disabled_at.is_null()
    )
)
_RENEW_HASH: Final = render(
    User.update({User.password_hash: Parameter("password_hash")}).where(
        (User.id == Parameter("id")) & (User.password_hash == Parameter("outdated"))
    )
)
# By an index: the expression is that of migrations/003_accounts.py.
_HIGHEST_COST: Final = """
SELECT max(left(password_hash, 7) COLLATE "C") FROM users WHERE password_hash IS NOT NULL
"""

RENEWABLE: Final = 30 * 24 * 3600
"""Seconds after a log-in in which its tokens are renewed."""


class Accounts:
    """The local accounts in the users table, where it is ours. Without a guard log-ins are not limited."""

    def __init__(self, database: Database, hasher: PasswordHasher, guard: LoginGuard | None) -> None:
        self._database = database
        self._hasher = hasher
        self._guard = guard

    def register(self, email: str, password: str, name: str | None, call: CountedCall | None) -> Identity:
        """Make a local account of validated values.

        Raises EmailTaken, or ValidationFailed if the password is the e-mail or the name.
        """
        if repeats(password, email, name):
            raise ValidationFailed(FieldError("password", "Password must not be the e-mail or name; use several words"))
        identity = Identity(str(uuid.uuid4()), email, name)
        values = {
            "id": identity.user_id,
            "email": email,
            "email_folded": fold_case(email),
            "name": name,
            "password_hash": self._hasher.hash(password),
        }
        # No exception for what is expected: PostgreSQL would log the statement with its values.
        if not _INSERT.run(self._database, values):
            raise EmailTaken
        if self._guard is not None and call is not None:
            self._guard.remember(identity.user_id, call.address)
        return identity

    def log_in(self, email: str, password: str, call: CountedCall | None) -> Identity:
        """The account with this e-mail and password. `call` is that of the guard, if there is one.

        Raises RateLimited, or InvalidCredentials, whichever of the two is wrong or if the account is disabled.
        """
        account = find_account(self._database, email)
        admission = None
        if self._guard is not None and call is not None:
            admission = self._guard.admit(email, account.user_id if account else None, call)
        is_right = self._hasher.verify(
            password, account.password_hash if account else None, highest_cost=self._highest_cost()
        )
        if account is None or not is_right or account.disabled:
            raise InvalidCredentials
        if self._guard is not None and admission is not None:
            self._guard.succeed(account.user_id, admission)
        if self._hasher.is_outdated(account.password_hash):
            self._renew_hash(account, password)
        return Identity(account.user_id, account.email, account.name)

    def renew(self, user: Identity) -> Identity:
        """The account as it is now, for a token of it that is still valid.

        Raises TokenInvalid if the token is of no local account, UnknownUser if the account is gone or disabled, and
        TokenExpired if it has to log in again.
        """
        if user.logged_in_at is None:
            raise TokenInvalid("not_local")
        rows = _FIND_ENABLED.run(self._database, {"id": user.user_id}, repeatable=True)
        if not rows:
            raise UnknownUser
        [(email, name, signed_out_at)] = rows
        if time.time() > user.logged_in_at + RENEWABLE or user.logged_in_at < (signed_out_at or 0):
            raise TokenExpired
        return Identity(user.user_id, email, name, user.logged_in_at)

    def _highest_cost(self) -> int:
        [(beginning,)] = self._database.run(_HIGHEST_COST, repeatable=True, prepared=True)
        return cost_of(beginning) if beginning else 0

    def _renew_hash(self, account: Account, password: str) -> None:
        try:
            values = {
                "id": account.user_id,
                "password_hash": self._hasher.hash(password),
                "outdated": account.password_hash,
            }
            _RENEW_HASH.run(self._database, values, repeatable=True)
        except (DatabaseUnavailable, Overloaded, psycopg2.Error) as ex:
            # Where the database is read-only people can still log in.
            logger.warning("a password hash was not renewed, the next log-in tries again: %s", type(ex).__name__)

"""The addresses from which each local account has logged in, as keyed digests.

From these its owner is let in while somebody guesses its password from everywhere else. An account keeps the last 20,
each for 90 days; api/housekeeping.py deletes older ones.
"""

from __future__ import annotations

from typing import Final

from peewee import SQL, fn

from api.digests import KeyedDigests
from api.models import AccountAddress, User
from api.postgres.database import Database
from api.postgres.statements import Parameter, render

MAX_ADDRESSES: Final = 20

_OLDEST: Final = fn.now() - SQL("interval '90 days'")
_OF_USER: Final = AccountAddress.user_id == Parameter("user_id")
_IS_ONE_OF: Final = AccountAddress.digest == fn.ANY(Parameter("digests"))

_FIND: Final = render(
    AccountAddress.select(SQL("1")).where(_OF_USER & _IS_ONE_OF & (AccountAddress.seen_at >= _OLDEST)).limit(SQL("1"))
)
# Selected from the users table: an account that has just been deleted is no error.
_STORE: Final = render(
    AccountAddress.insert_from(
        User.select(User.id, Parameter("digest"), fn.now()).where(User.id == Parameter("user_id")),
        (AccountAddress.user_id, AccountAddress.digest, AccountAddress.seen_at),
    ).on_conflict(
        conflict_target=(AccountAddress.user_id, AccountAddress.digest),
        update={AccountAddress.seen_at: SQL("excluded.seen_at")},
    )
)
_NEWER: Final = AccountAddress.alias("newer")
_KEPT: Final = (
    _NEWER.select(_NEWER.digest)
    .where(_NEWER.user_id == Parameter("user_id"))
    .order_by(_NEWER.seen_at.desc(), _NEWER.digest)
    .limit(SQL(str(MAX_ADDRESSES)))
)
_FORGET: Final = render(AccountAddress.delete().where(_OF_USER & AccountAddress.digest.not_in(_KEPT)))


class AccountAddresses:
    """The addresses that each account is known from."""

    def __init__(self, database: Database, digests: KeyedDigests) -> None:
        self._database = database
        self._digests = digests

    def knows(self, user_id: str, address: str) -> bool:
        """Whether the account has logged in from the address."""
        values = {"user_id": user_id, "digests": self._digests.all_digests(user_id, address)}
        return bool(_FIND.run(self._database, values, repeatable=True))

    def remember(self, user_id: str, address: str) -> None:
        """Store that the account has logged in from the address, and forget those past the limit."""
        values = {"user_id": user_id, "digest": self._digests.digest(user_id, address)}
        _STORE.run(self._database, values, repeatable=True)
        _FORGET.run(self._database, values, repeatable=True)

"""Which e-mails of local accounts count as one: those that fold alike (NFKC and case folding; diacritics count).

The folded e-mail is stored with the account. Accounts from before that are folded by the background job; where two of
them fold alike, both stay, and each is found by its own spelling.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import psycopg2.errors
from peewee import SQL, fn

from api.models import User
from api.postgres.database import Database
from api.postgres.statements import Parameter, render
from api.text import fold_case

_BATCH: Final = 500

_IS_LOCAL: Final = User.password_hash.is_null(False)
_IS_SAME: Final = User.email_folded == Parameter("email_folded")
_IS_SAME_SPELLING: Final = fn.lower(User.email) == fn.lower(Parameter("email"))

_FIND_ACCOUNT: Final = render(
    User.select(User.id, User.email, User.name, User.password_hash, User.disabled_at.is_null(False))
    .where(_IS_LOCAL & (_IS_SAME | (User.email_folded.is_null() & _IS_SAME_SPELLING)))
    .order_by(_IS_SAME_SPELLING.desc())
)

_FIND_UNFOLDED: Final = render(
    User.select(User.id, User.email)
    .where(_IS_LOCAL & User.email_folded.is_null() & (User.id > Parameter("id")))
    .order_by(User.id)
    .limit(SQL(str(_BATCH)))
)
_STORE: Final = render(User.update({User.email_folded: Parameter("email_folded")}).where(User.id == Parameter("id")))
_FIND_OTHER: Final = render(User.select(User.id).where(_IS_LOCAL & _IS_SAME))


class Account(NamedTuple):
    """A local account."""

    user_id: str
    email: str
    name: str | None
    password_hash: str
    disabled: bool


def find_account(database: Database, email: str) -> Account | None:
    """The account with an e-mail; of two that fold alike, the one spelled so."""
    folded = fold_case(email)
    for row in _FIND_ACCOUNT.run(database, {"email": email, "email_folded": folded}, repeatable=True):
        account = Account(*row)
        # PostgreSQL's lower() may make `i` of `İ`, too: a spelling that no limit of this account would count.
        if fold_case(account.email) == folded:
            return account
    return None


class Collision(NamedTuple):
    """Two accounts whose e-mails fold alike."""

    user_id: str
    other_id: str


def fold_emails(database: Database) -> Iterator[Collision]:
    """Store the folded e-mail of each local account that has none, and yield those that another account holds."""
    last = ""
    while rows := _FIND_UNFOLDED.run(database, {"id": last}, repeatable=True):
        for last, email in rows:
            values = {"id": last, "email_folded": fold_case(email)}
            if others := _FIND_OTHER.run(database, values, repeatable=True):
                yield Collision(last, others[0][0])
                continue
            try:
                _STORE.run(database, values, repeatable=True)
            except psycopg2.errors.UniqueViolation:
                yield Collision(last, _FIND_OTHER.run(database, values, repeatable=True)[0][0])

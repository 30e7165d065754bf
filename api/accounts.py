"""Users: local accounts with passwords, and rows made for the users of somebody else's tokens. No HTTP.

Password hashing is slow on purpose, so only so many threads may be busy with it: the rest go on serving tasks.
"""

from __future__ import annotations

import threading
import uuid
from typing import Final

import bcrypt
import psycopg2.errors
from peewee import fn

from api.errors import EmailTaken, InvalidCredentials, UnknownUser
from api.models import User
from api.postgres.database import Database
from api.postgres.errors import Overloaded
from api.postgres.statements import Parameter, render
from api.tokens import Identity

PASSWORD_BYTES: Final = range(8, 73)
"""How long a password may be; bcrypt reads 72 bytes and no more."""
DIGEST_CHARACTERS: Final = 31
"""What follows the salt in bcrypt's own notation."""

OURS: Final = "Users of the tasks backend"
"""The comment that the first migration puts on a users table it makes."""

_TABLE_COMMENT: Final = "SELECT obj_description(to_regclass(quote_ident(%s)), 'pg_class')"
_ID_TYPE: Final = (
    "SELECT format_type(atttypid, NULL) FROM pg_attribute "
    "WHERE attrelid = to_regclass(quote_ident(%s)) AND attname = 'id' AND NOT attisdropped"
)

_CLAIMS: Final = {column: Parameter(column.name) for column in (User.id, User.email, User.name)}
_PROVISION: Final = render(User.insert(_CLAIMS).on_conflict_ignore())
_INSERT: Final = render(User.insert({**_CLAIMS, User.password_hash: Parameter("password_hash")}))
_FIND: Final = render(
    User.select(User.id, User.email, User.name, User.password_hash).where(
        (fn.lower(User.email) == fn.lower(Parameter("email"))) & User.password_hash.is_null(False)
    )
)


def owns_users_table(database: Database, users_table: str) -> bool:
    """Whether the users table is the one our first migration made."""
    return database.run(_TABLE_COMMENT, (users_table,), repeatable=True) == [(OURS,)]


def has_uuid_ids(database: Database, users_table: str) -> bool:
    """Whether user ids are UUIDs, as some auth servers have them, and not any text."""
    return database.run(_ID_TYPE, (users_table,), repeatable=True) == [("uuid",)]


class PasswordHasher:
    """bcrypt. At most half of the `threads` hash at once, one stays free of it; who comes beyond that is Overloaded."""

    def __init__(self, cost: int, *, threads: int) -> None:
        self._cost = cost
        self._running = threading.BoundedSemaphore(max(1, threads // 2))
        self._present = threading.BoundedSemaphore(max(1, threads - 1))
        # Compared with when there is no account, so that this takes as long as a wrong password: a salt, and a digest
        # that no password was hashed for.
        self._decoy = bcrypt.gensalt(cost) + b"." * DIGEST_CHARACTERS

    def hash(self, password: str) -> str:
        """The hash of a password of at most 72 bytes."""
        with _Turn(self._present, self._running):
            return bcrypt.hashpw(password.encode(), bcrypt.gensalt(self._cost)).decode()

    def verify(self, password: str, hashed: str | None) -> bool:
        """Whether the password is the one hashed; False, after the same work, where there is none to compare."""
        secret = password.encode()
        comparable = hashed is not None and len(secret) <= PASSWORD_BYTES[-1]
        against = hashed.encode() if hashed is not None else self._decoy
        with _Turn(self._present, self._running):
            return bcrypt.checkpw(secret[: PASSWORD_BYTES[-1]], against) and comparable


class _Turn:
    """A place among those present, then a turn among those running."""

    def __init__(self, present: threading.Semaphore, running: threading.Semaphore) -> None:
        self._present = present
        self._running = running

    def __enter__(self) -> None:
        if not self._present.acquire(blocking=False):
            raise Overloaded
        self._running.acquire()

    def __exit__(self, *_: object) -> None:
        self._running.release()
        self._present.release()


class Accounts:
    """The users table, where it is ours."""

    def __init__(self, database: Database, hasher: PasswordHasher) -> None:
        self._database = database
        self._hasher = hasher

    def register(self, email: str, password: str, name: str | None) -> Identity:
        """Make a local account of validated values. Raises EmailTaken."""
        identity = Identity(str(uuid.uuid4()), email, name)
        password_hash = self._hasher.hash(password)
        try:
            values = {"id": identity.user_id, "email": email, "name": name, "password_hash": password_hash}
            _INSERT.run(self._database, values)
        except psycopg2.errors.UniqueViolation:
            raise EmailTaken from None
        return identity

    def log_in(self, email: str, password: str) -> Identity:
        """The account with this e-mail and password. Raises InvalidCredentials, whichever is wrong."""
        rows = _FIND.run(self._database, {"email": email}, repeatable=True)
        user_id, known_email, name, password_hash = rows[0] if rows else (None, None, None, None)
        if not self._hasher.verify(password, password_hash):
            raise InvalidCredentials
        return Identity(user_id, known_email, name)


class Provisioning:
    """Makes the row of a user whom only a verified token has named so far."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def provision(self, identity: Identity) -> None:
        """Make the row; one that another request has just made is as good."""
        values = {"id": identity.user_id, "email": identity.email, "name": identity.name}
        _PROVISION.run(self._database, values, repeatable=True)


class NoProvisioning:
    """The users table is kept by somebody else: who is not in it does not exist."""

    def provision(self, identity: Identity) -> None:
        """Always raises UnknownUser."""
        raise UnknownUser

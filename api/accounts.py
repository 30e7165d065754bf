"""Local accounts: registering, and logging in with a password. No HTTP.

Hashing a password is slow on purpose, so only some of the threads may do it: the others go on serving tasks.
"""

from __future__ import annotations

import threading
import uuid
from typing import Final

import bcrypt

from api.account_emails import find_account
from api.errors import EmailTaken, InvalidCredentials
from api.models import User
from api.passwords import PASSWORD_BYTES
from api.postgres.database import Database
from api.postgres.errors import Overloaded
from api.postgres.statements import Parameter, render
from api.text import fold_case
from api.tokens import Identity

TURN_TIMEOUT: Final = 1.0
"""Seconds that a thread waits for its turn. The service's own server calls no more at once than may hash."""

DIGEST_CHARACTERS: Final = 31
"""The length of what follows the salt in bcrypt's notation."""

_COLUMNS: Final = (User.id, User.email, User.email_folded, User.name, User.password_hash)
_INSERT: Final = render(
    User.insert({column: Parameter(column.name) for column in _COLUMNS}).on_conflict_ignore().returning(User.id)
)


class PasswordHasher:
    """bcrypt. At most half of the `threads` hash at once.

    Others wait for their turn, but one thread stays free; further callers get Overloaded after TURN_TIMEOUT.
    """

    def __init__(self, cost: int, *, threads: int) -> None:
        self._cost = cost
        self._running = threading.BoundedSemaphore(max(1, threads // 2))
        self._present = threading.BoundedSemaphore(max(1, threads - 1))
        # What a password is compared with if there is no account, which then takes as long as a wrong password: a salt,
        # and a digest that no password has.
        self._decoy = bcrypt.gensalt(cost) + b"." * DIGEST_CHARACTERS

    def hash(self, password: str) -> str:
        """The hash of a password of at most 72 bytes."""
        with _Turn(self._present, self._running):
            return bcrypt.hashpw(password.encode(), bcrypt.gensalt(self._cost)).decode()

    def verify(self, password: str, hashed: str | None) -> bool:
        """Whether the password is the one hashed. Without a hash it is False, after the same work."""
        secret = password.encode()
        comparable = hashed is not None and len(secret) <= PASSWORD_BYTES[-1]
        against = hashed.encode() if hashed is not None else self._decoy
        with _Turn(self._present, self._running):
            return bcrypt.checkpw(secret[: PASSWORD_BYTES[-1]], against) and comparable


class _Turn:
    """A place in the queue, or Overloaded; then a turn to hash."""

    def __init__(self, present: threading.Semaphore, running: threading.Semaphore) -> None:
        self._present = present
        self._running = running

    def __enter__(self) -> None:
        if not self._present.acquire(timeout=TURN_TIMEOUT):
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
        return identity

    def log_in(self, email: str, password: str) -> Identity:
        """The account with this e-mail and password. Raises InvalidCredentials, whichever is wrong."""
        account = find_account(self._database, email)
        user_id, known_email, name, password_hash = account or (None, None, None, None)
        if not self._hasher.verify(password, password_hash):
            raise InvalidCredentials
        return Identity(user_id, known_email, name)

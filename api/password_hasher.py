"""Hashes and verifies passwords with bcrypt. Which passwords are allowed is in passwords.py.

Hashing is slow on purpose, so only some of the threads may do it: the others go on serving tasks.
"""

from __future__ import annotations

import threading
from typing import Final

import bcrypt

from api.passwords import MAX_BYTES
from api.postgres.errors import Overloaded

DIGEST_CHARACTERS: Final = 31
"""The length of what follows the salt in bcrypt's notation."""


TURN_TIMEOUT: Final = 1.0
"""Seconds that a thread waits for its turn. The service's own server calls no more at once than may hash."""


class PasswordHasher:
    """bcrypt of this cost. At most half of the `threads` hash at once.

    Others wait for their turn, but one thread stays free; further callers get Overloaded after TURN_TIMEOUT.
    """

    def __init__(self, cost: int, *, threads: int) -> None:
        self._cost = cost
        self._running = threading.BoundedSemaphore(max(1, threads // 2))
        self._present = threading.BoundedSemaphore(max(1, threads - 1))
        self._salt = bcrypt.gensalt(cost)[len("$2b$12$") :]

    def hash(self, password: str) -> str:
        """The hash of a password of at most 72 bytes."""
        with _Turn(self._present, self._running):
            return bcrypt.hashpw(password.encode(), bcrypt.gensalt(self._cost)).decode()

    def verify(self, password: str, hashed: str | None, *, highest_cost: int) -> bool:
        """Whether the password is the one hashed. Without a hash it is False.

        The work is always the same: that of the present cost or, if it was higher before, of `highest_cost`.
        """
        secret = password.encode()
        comparable = hashed is not None and len(secret) <= MAX_BYTES
        secret = secret[:MAX_BYTES]
        work = max(self._cost, highest_cost)
        against = hashed.encode() if hashed is not None else self._decoy(work)
        with _Turn(self._present, self._running):
            matches = bcrypt.checkpw(secret, against)
            # A cost is an exponent: 2^c, and then 2^c + … + 2^(w - 1), make 2^w rounds.
            for cost in range(cost_of(against.decode()), work):
                bcrypt.checkpw(secret, self._decoy(cost))
        return matches and comparable

    def is_outdated(self, hashed: str) -> bool:
        """Whether the hash was made with another cost than the present one."""
        return cost_of(hashed) != self._cost

    def _decoy(self, cost: int) -> bytes:
        """A salt, and a digest that no password has."""
        return b"$2b$%02d$" % cost + self._salt + b"." * DIGEST_CHARACTERS


def cost_of(hashed: str) -> int:
    """The cost in bcrypt's notation, or in its beginning, such as `$2b$12$`."""
    return int(hashed[4:6])


class _Turn:
    """A position in the queue, or Overloaded; then a turn to hash."""

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

"""The errors that `Database.run` raises, besides psycopg2's errors for a wrong statement."""

from __future__ import annotations


class DatabaseUnavailable(Exception):
    """The statement got no result. It had its full effect or none. `kind` is a label for logs and metrics."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class ConnectionFailed(DatabaseUnavailable):
    """A start got no connection. `reason` is what libpq or PostgreSQL said, on one line and without the password.

    `lasting`: a later attempt fails in the same way, such as one with a wrong password.
    """

    def __init__(self, reason: str, *, lasting: bool) -> None:
        super().__init__("connect")
        self.reason = reason
        self.lasting = lasting


class Overloaded(Exception):
    """The pool or the threads have more work than they can do in time."""

"""What a caller of `Database.run` must expect, beside psycopg2's errors for a wrong statement."""

from __future__ import annotations


class DatabaseUnavailable(Exception):
    """The database did not do what was asked, and nothing is half-written; `kind` labels logs and metrics."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Overloaded(Exception):
    """More work than the pool or the threads take in time."""

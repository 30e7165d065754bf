"""The statements that a connection has had PostgreSQL parse and plan, which is half of what a short one costs there.

Only where the connection leads straight to the server: behind a transaction pooler each statement may meet another
session, and what is left behind in one is in another client's way.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import psycopg2.errors

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812 the class is spelled like an instance

MAX_STATEMENTS: Final = 100
"""Statements a connection prepares at most, for each keeps a plan in the server's memory; the rest run as they are."""


class PreparedStatements:
    """One connection's. A statement is known by its SQL, whose places for values are psycopg2's `%s`."""

    def __init__(self) -> None:
        self._is_direct: bool | None = None
        self._calls: dict[str, str] = {}

    def execute(self, cursor: Cursor, sql: str, parameters: Sequence[object]) -> None:
        """Do what `cursor.execute` does, by a plan that is there already where there can be one.

        Parameters take the type of their column or operator; one without, as in `SELECT %s`, is text.
        """
        call = self._find_call(cursor, sql)
        try:
            cursor.execute(call, parameters)
        except (psycopg2.errors.InvalidSqlStatementName, psycopg2.errors.FeatureNotSupported):
            # Another session after all, or a table that was altered since: the statement has not run.
            if call is sql:
                raise
            self._is_direct = False
            cursor.execute(sql, parameters)

    def _find_call(self, cursor: Cursor, sql: str) -> str:
        if self._is_direct is None:
            self._is_direct = _is_direct(cursor)
        if not self._is_direct:
            return sql
        return self._calls.get(sql) or self._prepare(cursor, sql)

    def _prepare(self, cursor: Cursor, sql: str) -> str:
        if len(self._calls) >= MAX_STATEMENTS:
            return sql
        # One name, one text: in a session that is shared after all, nothing else goes by the name of this one.
        prepare, call = prepare_and_execute(f"tasks_{sha256(sql.encode()).hexdigest()[:32]}", sql)
        try:
            cursor.execute(prepare)
        except psycopg2.ProgrammingError:
            # The type of a place is not always clear without a value.
            call = sql
        self._calls[sql] = call
        return call


def prepare_and_execute(name: str, sql: str) -> tuple[str, str]:
    """What prepares the statement under this name, and what executes it, with psycopg2's places for its values."""
    first, *others = sql.split("%s")
    numbered = first + "".join(f"${number}{piece}" for number, piece in enumerate(others, 1))
    prepare = f"PREPARE {name} AS {numbered.replace('%%', '%')}"
    return prepare, f"EXECUTE {name} ({', '.join(['%s'] * len(others))})" if others else f"EXECUTE {name}"


def _is_direct(cursor: Cursor) -> bool:
    """Whether this session is the one that was named at login: a transaction pooler makes a number up."""
    cursor.execute("SELECT pg_backend_pid()")
    row: Any = cursor.fetchone()
    return bool(row[0] == cursor.connection.info.backend_pid)

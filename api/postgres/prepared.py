"""The prepared statements of a connection. To parse and plan is half of what a short statement costs PostgreSQL.

Only a direct connection has any: behind a transaction pooler each statement may run in another session, and a statement
prepared there could collide with those of other clients.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import psycopg2.errors

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812 the class is spelled like an instance

MAX_STATEMENTS: Final = 100
"""Prepared statements of a connection. Each takes memory of the server; further statements run unprepared."""


_PLAN_ONCE: Final = """
SELECT set_config('plan_cache_mode', 'force_generic_plan', false)
WHERE current_setting('plan_cache_mode') = 'auto'
    AND NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')
"""
"""Keeps PostgreSQL from planning a prepared statement anew for each call, which it does where it expects to save rows.

To plan takes longer than to read those rows. Citus has no such plan of every statement.
"""


class PreparedStatements:
    """The prepared statements of one connection, by their SQL. Placeholders are psycopg2's `%s`."""

    def __init__(self) -> None:
        self._is_direct: bool | None = None
        self._calls: dict[str, str] = {}

    def execute(self, cursor: Cursor, sql: str, parameters: Sequence[object]) -> None:
        """Do what `cursor.execute` does, with a prepared statement if possible.

        A parameter has the type of its column or operator; without either, as in `SELECT %s`, it is text.
        """
        call = self._find_call(cursor, sql)
        try:
            cursor.execute(call, parameters)
        except (psycopg2.errors.InvalidSqlStatementName, psycopg2.errors.FeatureNotSupported) as ex:
            # The statement has not run.
            if call is sql:
                raise
            if isinstance(ex, psycopg2.errors.FeatureNotSupported):
                # A table of this statement has been altered since. The others stay prepared.
                self._calls[sql] = sql
            else:
                # The session is another one.
                self._is_direct = False
            cursor.execute(sql, parameters)

    def _find_call(self, cursor: Cursor, sql: str) -> str:
        if self._is_direct is None:
            self._is_direct = _is_direct(cursor)
            if self._is_direct:
                cursor.execute(_PLAN_ONCE)
        if not self._is_direct:
            return sql
        return self._calls.get(sql) or self._prepare(cursor, sql)

    def _prepare(self, cursor: Cursor, sql: str) -> str:
        if len(self._calls) >= MAX_STATEMENTS:
            return sql
        # The name is a digest of the SQL: if clients share the session after all, no other statement has it.
        prepare, call = prepare_and_execute(f"tasks_{sha256(sql.encode()).hexdigest()[:32]}", sql)
        try:
            cursor.execute(prepare)
        except psycopg2.ProgrammingError:
            # Without its value, a placeholder may have no clear type.
            call = sql
        self._calls[sql] = call
        return call


def prepare_and_execute(name: str, sql: str) -> tuple[str, str]:
    """The PREPARE statement for `sql`, and the EXECUTE statement with psycopg2's placeholders."""
    first, *others = sql.split("%s")
    numbered = first + "".join(f"${number}{piece}" for number, piece in enumerate(others, 1))
    prepare = f"PREPARE {name} AS {numbered.replace('%%', '%')}"
    return prepare, f"EXECUTE {name} ({', '.join(['%s'] * len(others))})" if others else f"EXECUTE {name}"


def _is_direct(cursor: Cursor) -> bool:
    """Whether this session has the process id that was reported at login. A transaction pooler reports another."""
    cursor.execute("SELECT pg_backend_pid()")
    row: Any = cursor.fetchone()
    return bool(row[0] == cursor.connection.info.backend_pid)

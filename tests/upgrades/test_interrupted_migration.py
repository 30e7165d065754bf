"""A migration that ends anywhere has changed nothing, and the next start completes it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from api.migrate import MigrationDatabase, migrate
from api.postgres.database import Database
from api.postgres.errors import DatabaseUnavailable
from tests.upgrades.schema import read_schema
from tests.upgrades.version_before import LATER

STATEMENTS_OF_002 = 25
"""Fewer than it has: the least number of interruptions that a test must have seen."""

TERMINATE = "SELECT pg_terminate_backend(pg_backend_pid())"

ROWS = """
INSERT INTO users (id, email, password_hash) VALUES ('ada', 'ada@example.com', 'x');
INSERT INTO tasks (user_id, title, description) SELECT 'ada', 'Straße ' || n, 'é' FROM generate_series(1, 30) n;
INSERT INTO idempotency_keys (user_id, key, fingerprint, answer) VALUES ('ada', 'k', '', '[]')
"""


class Interrupted(Exception):
    pass


class Interruptions:
    """Statements of migrations one at a time; `after` so many of them one fails, as `by` says."""

    def __init__(self) -> None:
        self.after = 0
        self.by = ""
        self._done = 0

    def begin(self, after: int, by: str = "") -> None:
        self._done, self.after, self.by = 0, after, by

    def count(self, database: MigrationDatabase, execute: Callable[..., Any]) -> None:
        self._done += 1
        if self._done != self.after:
            return
        if self.by:
            execute(database, self.by)
        raise Interrupted


@pytest.fixture
def interruptions(monkeypatch: pytest.MonkeyPatch) -> Interruptions:
    state = Interruptions()
    execute: Callable[..., Any] = MigrationDatabase.execute_sql

    def execute_sql(self: MigrationDatabase, sql: str, params: Any = None) -> Any:
        result = None
        for statement in sql.split(";") if params is None else [sql]:
            if statement.strip():
                result = execute(self, statement, params)
                # After its RELEASE Peewee would roll back to a savepoint that is gone.
                if "SAVEPOINT" not in statement:
                    state.count(self, execute)
        return result

    monkeypatch.setattr(MigrationDatabase, "execute_sql", execute_sql)
    return state


def test_after_any_statement(database_before: Database, fresh_database: Database, interruptions: Interruptions) -> None:
    database_before.run(ROWS)
    before = read_schema(database_before)
    for number in count(1):
        interruptions.begin(number)
        try:
            assert migrate(database_before, "users") == LATER
            break
        except Interrupted:
            assert read_schema(database_before) == before, f"after statement {number}"
    assert number > STATEMENTS_OF_002
    assert without_history(read_schema(database_before)) == without_history(read_schema(fresh_database))
    rows = database_before.run("SELECT count(*), count(DISTINCT id), min(id), max(id) FROM tasks")
    assert rows == [(30, 30, 1, 30)]
    assert database_before.run("INSERT INTO tasks (user_id, title) VALUES ('ada', 'x') RETURNING id") == [(31,)]


@pytest.mark.parametrize("after", [5, 15, STATEMENTS_OF_002])
def test_by_a_connection_that_is_ended(
    database_before: Database, fresh_database: Database, interruptions: Interruptions, after: int
) -> None:
    database_before.run(ROWS)
    before = read_schema(database_before)
    interruptions.begin(after, TERMINATE)
    with pytest.raises(DatabaseUnavailable, match="migration"):
        migrate(database_before, "users")
    assert read_schema(database_before) == before
    interruptions.begin(0)
    assert migrate(database_before, "users") == LATER
    assert without_history(read_schema(database_before)) == without_history(read_schema(fresh_database))


def without_history(schema: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """But for the history table of the version before, which stays."""
    return {kind: [row for row in rows if "migratehistory" not in repr(row)] for kind, rows in schema.items()}

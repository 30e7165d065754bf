"""Statements whose plan a connection keeps: what that saves, where it is given up, and that no answer changes.

What happens behind a transaction pooler is in the tests with PgBouncer.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import psycopg2.errors
import pytest
from psycopg2.extensions import parse_dsn

from api.postgres import prepared
from api.postgres.database import Database
from api.postgres.prepared import PreparedStatements
from tests.support.stalled_proxy import StalledProxy

FIND = "SELECT text FROM notes WHERE id = %s"
NAMES = "SELECT statement FROM pg_prepared_statements"


@pytest.fixture(scope="module")
def url(create_database: Callable[[], str]) -> str:
    return create_database()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """One with a single connection, whose session all statements of a test share."""
    database = Database(url, pool_size=1, statement_timeout=1.5)
    database.run("DROP TABLE IF EXISTS notes")
    database.run("CREATE TABLE notes AS SELECT 1 AS id, '100%%'::text AS text")
    yield database
    database.close()


def test_from_the_second_time_on_it_is_one_round_trip(url: str, database: Database) -> None:
    with StalledProxy(url) as proxy:
        behind = Database(proxy.url, pool_size=1, statement_timeout=1.5)
        behind.run(FIND, (0,), prepared=True)
        before = proxy.requests
        for number in range(1, 11):
            assert behind.run(FIND, (number,), prepared=True) == [("100%",)][: number == 1]
        assert proxy.requests == before + 10
        behind.close()


def test_only_what_is_said_to_come_again_is_prepared(database: Database) -> None:
    database.run(FIND, (1,))
    assert database.run(NAMES) == []
    database.run(FIND, (1,), prepared=True)
    [(statement,)] = database.run(NAMES)
    assert "WHERE id = $1" in statement


def test_a_percent_sign_is_one(database: Database) -> None:
    for _ in range(2):
        assert database.run("SELECT id FROM notes WHERE text LIKE '100%%' AND id = %s", (1,), prepared=True) == [(1,)]


def test_a_place_without_a_type_runs_as_it_is(database: Database) -> None:
    for _ in range(2):
        assert database.run("SELECT %s IS NULL", (None,), prepared=True) == [(True,)]
    assert database.run(NAMES) == []


def test_a_statement_of_its_own_fault_says_so(database: Database) -> None:
    for _ in range(2):
        with pytest.raises(psycopg2.errors.UndefinedTable):
            database.run("SELECT 1 FROM nowhere WHERE id = %s", (1,), prepared=True)
        with pytest.raises(psycopg2.errors.DivisionByZero):
            database.run("SELECT 1 / %s::int", (0,), prepared=True)


def test_a_session_that_forgot_it_costs_no_request(url: str, database: Database) -> None:
    with StalledProxy(url) as proxy:
        behind = Database(proxy.url, pool_size=1, statement_timeout=1.5)
        assert behind.run(FIND, (1,), prepared=True) == [("100%",)]
        behind.run("DEALLOCATE ALL")
        assert behind.run(FIND, (1,), prepared=True) == [("100%",)]
        before = proxy.requests
        for _ in range(5):
            assert behind.run(FIND, (1,), prepared=True) == [("100%",)]
        assert proxy.requests == before + 5, "such a session is not asked again"
        behind.close()


def test_a_statement_that_fails_by_itself_is_run_once(database: Database) -> None:
    database.run("CREATE SEQUENCE runs")
    failing = """
        DO $$ BEGIN PERFORM nextval('runs'); RAISE EXCEPTION 'injected' USING ERRCODE = 'feature_not_supported'; END $$
    """
    with pytest.raises(psycopg2.errors.FeatureNotSupported):
        database.run(failing, prepared=True)
    assert database.run("SELECT nextval('runs')") == [(2,)]


def test_a_table_that_was_altered_costs_no_request(database: Database) -> None:
    every = "SELECT * FROM notes WHERE id = %s"
    assert database.run(every, (1,), prepared=True) == [(1, "100%")]
    database.run("ALTER TABLE notes ADD COLUMN more int")
    for _ in range(2):
        assert database.run(every, (1,), prepared=True) == [(1, "100%", None)]


def test_a_session_keeps_a_bounded_number(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "MAX_STATEMENTS", 3)
    for number in range(6):
        assert database.run(f"SELECT {number} + %s", (1,), prepared=True) == [(number + 1,)]
    assert len(database.run(NAMES)) == 3


def test_in_a_session_of_another_client_no_statement_of_theirs_runs(url: str) -> None:
    """As behind a pooler that hands out the true process id and shares its sessions all the same."""
    first, second = (psycopg2.connect(**parse_dsn(url)) for _ in range(2))
    with contextlib.closing(first), contextlib.closing(second), first.cursor() as mine, second.cursor() as theirs:
        first.autocommit = second.autocommit = True
        ours, others = PreparedStatements(), PreparedStatements()
        ours.execute(mine, "SELECT 1 + %s", (1,))
        others.execute(theirs, "SELECT 100 + %s", (1,))
        ours.execute(theirs, "SELECT 1 + %s", (1,))
        assert theirs.fetchall() == [(2,)]
        others.execute(mine, "SELECT 100 + %s", (1,))
        assert mine.fetchall() == [(101,)]

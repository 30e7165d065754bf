"""Prepared statements: the round trips they save, when they are dropped, and that no result changes.

tests/poolers covers them behind a transaction pooler.
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
from tests.postgres.statements import PATIENCE
from tests.support.stalled_proxy import StalledProxy

FIND = "SELECT text FROM notes WHERE id = %s"
NAMES = "SELECT statement FROM pg_prepared_statements"


@pytest.fixture(scope="module")
def url(create_database: Callable[[], str]) -> str:
    return create_database()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """A database with one connection, so all statements of a test share its session."""
    database = Database(url, pool_size=1, statement_timeout=PATIENCE, check_out_timeout=PATIENCE)
    database.run("DROP TABLE IF EXISTS notes")
    database.run("CREATE TABLE notes AS SELECT 1 AS id, '100%%'::text AS text")
    yield database
    database.close()


def test_from_the_second_run_on_it_is_one_round_trip(url: str, database: Database) -> None:
    with StalledProxy(url) as proxy:
        behind = Database(proxy.url, pool_size=1, statement_timeout=PATIENCE, check_out_timeout=PATIENCE)
        behind.run(FIND, (0,), prepared=True)
        before = proxy.requests
        for number in range(1, 11):
            assert behind.run(FIND, (number,), prepared=True) == [("100%",)][: number == 1]
        assert proxy.requests == before + 10
        behind.close()


def test_only_statements_marked_as_prepared_are_prepared(database: Database) -> None:
    database.run(FIND, (1,))
    assert database.run(NAMES) == []
    database.run(FIND, (1,), prepared=True)
    [(statement,)] = database.run(NAMES)
    assert "WHERE id = $1" in statement


PLANS = "SELECT generic_plans, custom_plans FROM pg_prepared_statements"


@pytest.fixture
def skewed(database: Database) -> None:
    """Many rows of some owners, few of one: PostgreSQL expects to save something by a plan for the latter."""
    database.run("DROP TABLE IF EXISTS owned")
    owners = (
        "SELECT CASE WHEN n %% 100 = 0 THEN 'few' ELSE 'many-' || n %% 30 END AS owner FROM generate_series(1, 9000) n"
    )
    database.run(f"CREATE TABLE owned AS {owners}")
    database.run("CREATE INDEX ON owned (owner)")
    database.run("VACUUM ANALYZE owned")


OWNED = "SELECT count(*) FROM owned WHERE owner = %s"


def test_a_statement_is_planned_once(skewed: None, database: Database) -> None:
    for _ in range(10):
        assert database.run(OWNED, ("few",), prepared=True) == [(90,)]
    assert database.run(PLANS) == [(10, 0)]


def test_an_operators_own_plan_cache_mode_stands(skewed: None, database: Database) -> None:
    database.run("SET plan_cache_mode = force_custom_plan")
    for _ in range(10):
        assert database.run(OWNED, ("few",), prepared=True) == [(90,)]
    assert database.run(PLANS) == [(0, 10)]


def test_a_doubled_percent_sign_is_a_literal_one(database: Database) -> None:
    for _ in range(2):
        assert database.run("SELECT id FROM notes WHERE text LIKE '100%%' AND id = %s", (1,), prepared=True) == [(1,)]


def test_a_placeholder_without_a_type_runs_unprepared(database: Database) -> None:
    for _ in range(2):
        assert database.run("SELECT %s IS NULL", (None,), prepared=True) == [(True,)]
    assert database.run(NAMES) == []


def test_an_error_of_the_statement_itself_is_raised(database: Database) -> None:
    for _ in range(2):
        with pytest.raises(psycopg2.errors.UndefinedTable):
            database.run("SELECT 1 FROM nowhere WHERE id = %s", (1,), prepared=True)
        with pytest.raises(psycopg2.errors.DivisionByZero):
            database.run("SELECT 1 / %s::int", (0,), prepared=True)


def test_a_session_that_lost_the_prepared_statement_fails_no_request(url: str, database: Database) -> None:
    with StalledProxy(url) as proxy:
        behind = Database(proxy.url, pool_size=1, statement_timeout=PATIENCE, check_out_timeout=PATIENCE)
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


def test_an_altered_table_fails_no_request(database: Database) -> None:
    every = "SELECT * FROM notes WHERE id = %s"
    assert database.run(every, (1,), prepared=True) == [(1, "100%")]
    database.run("ALTER TABLE notes ADD COLUMN more int")
    for _ in range(2):
        assert database.run(every, (1,), prepared=True) == [(1, "100%", None)]
    assert database.run(FIND, (1,), prepared=True) == [("100%",)]
    assert len(database.run(NAMES)) == 2, "the connection goes on preparing others"


def test_a_session_keeps_a_bounded_number_of_prepared_statements(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "MAX_STATEMENTS", 3)
    for number in range(6):
        assert database.run(f"SELECT {number} + %s", (1,), prepared=True) == [(number + 1,)]
    assert len(database.run(NAMES)) == 3


def test_in_another_clients_session_none_of_its_statements_runs(url: str) -> None:
    """As behind a pooler that reports the true process id but shares its sessions."""
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

"""Migrating at start: all or nothing, once however many start at the same time, and what /ready asks."""

from __future__ import annotations

import logging
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
from falcon.testing import TestClient
from peewee_migrate import Router

from api import migrate as migrating
from api.migrate import migrate, pending
from api.postgres.database import Database
from api.postgres.errors import DatabaseUnavailable
from api.settings import SettingsError
from tests.support.processes import PROJECT
from tests.support.waiting import wait_until

SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
NAMES = sorted(file.stem for file in (PROJECT / "migrations").glob("[0-9][0-9][0-9]_*.py"))


@pytest.fixture
def url(create_database: Callable[[], str]) -> str:
    return create_database()


@pytest.fixture
def empty(url: str) -> Iterator[Database]:
    """A database in which nothing has been run."""
    database = Database(url, pool_size=2, statement_timeout=60, check_out_timeout=60)
    yield database
    database.close()


@pytest.fixture
def write_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Write migrations of a test's own, in place of the real ones."""
    monkeypatch.setattr(migrating, "MIGRATIONS", tmp_path)

    def write(name: str, sql: str) -> None:
        body = f"def migrate(migrator, database, fake=False):\n    database.execute_sql({sql!r})\n"
        (tmp_path / f"{name}.py").write_text(body)

    return write


def tables(database: Database) -> set[str]:
    return {name for (name,) in database.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}


def test_everything_is_run_once(empty: Database) -> None:
    assert migrate(empty, "users") == NAMES
    assert {"users", "tasks", "idempotency_keys"} <= tables(empty)
    assert migrate(empty, "users") == []


def test_what_is_taken_for_a_migration_is_what_peewee_migrate_takes() -> None:
    names = (
        "001_a.py",
        "1_a.py",
        "0001_a.py",
        "001_a.b.py",
        "001_.py",
        "001_a.pyc",
        "001_a.py.orig",
        "conf.py",
        "١٢٣_a.py",
    )
    assert [bool(migrating._FILE_NAME.fullmatch(name)) for name in names] == [
        bool(Router.filemask.match(name)) for name in names
    ]


def test_it_does_not_matter_where_the_process_stands(
    empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert migrate(empty, "users") == NAMES
    assert list(tmp_path.iterdir()) == []


def test_tasks_refer_to_the_users_table_that_is_named(empty: Database) -> None:
    empty.run('CREATE TABLE "user" (id text PRIMARY KEY)')
    migrate(empty, "user")
    referred = (
        "SELECT confrelid::regclass::text FROM pg_constraint WHERE conrelid = 'tasks'::regclass AND contype = 'f'"
    )
    assert empty.run(referred) == [('"user"',)]


def test_what_is_pending_is_told_without_running_it(empty: Database) -> None:
    assert pending(empty) == NAMES
    assert tables(empty) == set()
    migrate(empty, "users")
    assert pending(empty) == []
    empty.run("DELETE FROM tasks_migrations WHERE name = %s", (NAMES[-1],))
    assert pending(empty) == NAMES[-1:]


def test_a_new_migration_is_run_after_those_that_are_done(
    empty: Database, write_migration: Callable[[str, str], None]
) -> None:
    write_migration("001_one", "CREATE TABLE one ()")
    assert migrate(empty, "users") == ["001_one"]
    write_migration("002_two", "CREATE TABLE two ()")
    assert pending(empty) == ["002_two"]
    assert migrate(empty, "users") == ["002_two"]
    assert tables(empty) >= {"one", "two"}


def test_when_one_fails_none_has_been_run(empty: Database, write_migration: Callable[[str, str], None]) -> None:
    write_migration("001_one", "CREATE TABLE one ()")
    write_migration("002_two", "SELECT 1 / 0")
    with pytest.raises(Exception, match="division by zero"):
        migrate(empty, "users")
    assert tables(empty) == set()
    wait_until(lambda: empty.run(SESSIONS) == [(1,)], "the migration's connection to end")
    write_migration("002_two", "CREATE TABLE two ()")
    assert migrate(empty, "users") == ["001_one", "002_two"]


def test_a_database_that_goes_away_in_the_middle_is_told_as_such(
    empty: Database, write_migration: Callable[[str, str], None]
) -> None:
    write_migration("001_one", "SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(DatabaseUnavailable):
        migrate(empty, "users")
    assert empty.run("SELECT 1") == [(1,)]


def test_a_database_that_refuses_the_connection_is_told_as_such(url: str, empty: Database) -> None:
    role = f"limited_{uuid.uuid4().hex}"
    empty.run(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 1")
    limited = Database(
        url.replace("//postgres", f"//{role}", 1), pool_size=1, statement_timeout=60, check_out_timeout=60
    )
    try:
        assert limited.run("SELECT 1") == [(1,)]
        with pytest.raises(DatabaseUnavailable, match="migration"):
            migrate(limited, "users")
    finally:
        limited.close()
        empty.run(f"DROP ROLE {role}")


def test_a_start_with_nothing_to_do_says_nothing(empty: Database, caplog: pytest.LogCaptureFixture) -> None:
    migrate(empty, "users")
    with caplog.at_level(logging.INFO):
        caplog.clear()
        migrate(empty, "users")
    assert caplog.messages == []


MIGRATE = """
import sys
from api.postgres.database import Database
from api.postgres.errors import DatabaseUnavailable
from api.migrate import migrate

database = Database(sys.argv[1], pool_size=1, statement_timeout=60, check_out_timeout=60)
print("ready", flush=True)
sys.stdin.readline()
print(len(migrate(database, "users")))
"""


def start_migrating(url: str) -> subprocess.Popen[str]:
    """A process that waits for a line before it migrates."""
    command = [sys.executable, "-c", MIGRATE, url]
    process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_of_several_processes_that_start_at_once_one_migrates(url: str, empty: Database) -> None:
    racers = [start_migrating(url) for _ in range(4)]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    counts = sorted(int(racer.communicate(timeout=180)[0]) for racer in racers)
    assert [racer.returncode for racer in racers] == [0] * 4
    assert counts == [0, 0, 0, len(NAMES)]
    assert empty.run("SELECT name FROM tasks_migrations ORDER BY id") == [(name,) for name in NAMES]


def test_nothing_is_begun_while_another_process_migrates(url: str, empty: Database) -> None:
    other = psycopg2.connect(url)
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (migrating.LOCK,))
    with start_migrating(url) as process:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        waiting = """
            SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
            WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()
        """
        wait_until(lambda: empty.run(waiting), "it to wait for the lock")
        assert tables(empty) == set()
        other.rollback()
        assert process.communicate(timeout=180)[0] == f"{len(NAMES)}\n"
    other.close()


def test_a_user_who_may_not_create_tables_is_told_in_one_line(url: str, empty: Database) -> None:
    role = f"reader_{uuid.uuid4().hex}"
    empty.run(f"CREATE ROLE {role} LOGIN")
    restricted = Database(
        url.replace("//postgres", f"//{role}", 1), pool_size=1, statement_timeout=60, check_out_timeout=60
    )
    try:
        with pytest.raises(
            SettingsError,
            match=r"^DATABASE_URL: its user may not create tables; GRANT CREATE, USAGE ON SCHEMA public TO it$",
        ):
            migrate(restricted, "users")
    finally:
        restricted.close()
        empty.run(f"DROP ROLE {role}")


def test_a_schema_that_may_not_be_read_is_not_ready(
    url: str, empty: Database, client_over: Callable[..., TestClient]
) -> None:
    migrate(empty, "users")
    role = f"reader_{uuid.uuid4().hex}"
    empty.run(f"CREATE ROLE {role} LOGIN")
    restricted = Database(
        url.replace("//postgres", f"//{role}", 1), pool_size=1, statement_timeout=60, check_out_timeout=60
    )
    try:
        answer = client_over(restricted).simulate_get("/ready")
    finally:
        restricted.close()
        empty.run(f"DROP ROLE {role}")
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "DATABASE_UNAVAILABLE")


def test_ready_says_whether_the_database_takes_writes(
    url: str, empty: Database, client_over: Callable[..., TestClient]
) -> None:
    migrate(empty, "users")
    empty.run(f"ALTER DATABASE {url.rsplit('/', 1)[1].partition('?')[0]} SET default_transaction_read_only = on")
    reader = Database(url, pool_size=1, statement_timeout=60, check_out_timeout=60)
    try:
        answers = [client_over(each).simulate_get("/ready") for each in (empty, reader)]
    finally:
        reader.close()
    assert [(answer.status_code, answer.json["data"]["writable"]) for answer in answers] == [(200, True), (200, False)]

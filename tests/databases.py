"""Databases without the service's tables, and what is done to them from the side."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator

import psycopg2
import pytest
from psycopg2.extensions import parse_dsn

from api.postgres.database import Database

Admin = Callable[..., list[tuple[object, ...]]]
NOTES = "CREATE TABLE notes (id int PRIMARY KEY, text text)"


@pytest.fixture(scope="module")
def url(create_database: Callable[[], str]) -> str:
    return create_database()


@pytest.fixture
def make_database(url: str) -> Iterator[Callable[..., Database]]:
    """Databases of a test's own, closed after it."""
    made: list[Database] = []

    def make(url: str = url, *, pool_size: int = 4, statement_timeout: float = 1.5) -> Database:
        made.append(Database(url, pool_size=pool_size, statement_timeout=statement_timeout))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def database(make_database: Callable[..., Database]) -> Database:
    made = make_database()
    made.run("DROP TABLE IF EXISTS notes")
    made.run(NOTES)
    return made


@pytest.fixture
def admin(url: str) -> Iterator[Admin]:
    """Runs a statement on a connection of its own, out of the service's sight."""
    connection = psycopg2.connect(**parse_dsn(url))
    connection.autocommit = True

    def run(sql: str, *values: object) -> list[tuple[object, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else []

    yield run
    connection.close()


def until(condition: Callable[[], object], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


@pytest.fixture
def role(admin: Admin) -> Iterator[str]:
    """A role that may log in, without further rights."""
    name = f"role_{uuid.uuid4().hex}"
    admin(f"CREATE ROLE {name} LOGIN")
    yield name
    admin("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s", name)
    admin(f"DROP ROLE {name}")


def url_as(role: str, url: str) -> str:
    return url.replace("//postgres", f"//{role}", 1)


def open_connections(database: Database, number: int) -> None:
    """Have the pool hold that many idle connections."""
    threads = [threading.Thread(target=database.run, args=("SELECT pg_sleep(0.2)",)) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert database.pool.idle == number


def run_aside(database: Database, sql: str, *, repeatable: bool = False) -> tuple[threading.Thread, list[object]]:
    """Run a statement in a thread; its rows, or its error, end up in the list."""
    outcome: list[object] = []

    def work() -> None:
        try:
            outcome.append(database.run(sql, repeatable=repeatable))
        except Exception as ex:
            outcome.append(ex)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, outcome

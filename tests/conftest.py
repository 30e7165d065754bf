"""Fixtures of all tests: one PostgreSQL for each run, a migrated database for each test process, and factories.

Tests call the application as a client does; each starts with empty tables.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from falcon.testing import TestClient

from api.app import create_app
from api.jose import jwks
from api.migrate import migrate
from api.postgres.database import Database
from api.postgres.embedded import start_embedded, stop_embedded
from api.resolved_settings import resolve_settings
from api.settings import Settings, load_settings
from api.users_table import read_users_table
from tests.support.callers import Caller
from tests.support.postgres import as_superuser, connect
from tests.support.processes import UNLIMITED
from tests.support.redis import Redis
from tests.support.signing import token_for
from tests.support.waiting import WAIT_TIMEOUT

DATA_DIR = "TASKS_TESTS_DATA_DIR"

BROKEN_INSERT = """
CREATE FUNCTION break_insert() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the insides: SELECT secret FROM passwords'; END $$;
CREATE TRIGGER break_insert BEFORE INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION break_insert()
"""


def pytest_configure(config: pytest.Config) -> None:
    # Not in pytest's own folder: each run as root makes that inaccessible to the account that PostgreSQL then uses.
    if not hasattr(config, "workerinput"):
        os.environ[DATA_DIR] = tempfile.mkdtemp(prefix="tasks-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ[DATA_DIR], ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A URL of the run's PostgreSQL; TEST_DATABASE_URL names another server."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    data_dir = Path(os.environ[DATA_DIR])
    url = as_superuser(start_embedded(data_dir))
    # Its data need not survive a crash of this machine.
    execute(url, "ALTER SYSTEM SET fsync = off")
    execute(url, "SELECT pg_reload_conf()")
    yield url
    stop_embedded(data_dir)


def execute(url: str, statement: str) -> None:
    """Run a statement outside a transaction."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


@pytest.fixture(scope="session")
def create_database(postgres_url: str) -> Iterator[Callable[..., str]]:
    """Makes an empty database (with the options of CREATE DATABASE) and returns its URL.

    All are dropped at the end, unless the server is the run's own, which is deleted as a whole.
    """
    names: list[str] = []

    def create(options: str = "") -> str:
        name = f"test_{uuid.uuid4().hex}"
        execute(postgres_url, f"CREATE DATABASE {name} {options}")
        names.append(name)
        head, _, query = postgres_url.partition("?")
        return head.rsplit("/", 1)[0] + f"/{name}" + (f"?{query}" if query else "")

    yield create
    if "TEST_DATABASE_URL" in os.environ:
        for name in names:
            execute(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def database_url(create_database: Callable[[], str]) -> str:
    """The URL of a database made by the real migrations."""
    url = create_database()
    database = connect(url)
    migrate(database, "users")
    database.close()
    return url


@pytest.fixture(scope="session")
def shared_database(database_url: str) -> Iterator[Database]:
    database = connect(database_url)
    yield database
    database.close()


@pytest.fixture
def database(shared_database: Database) -> Database:
    """The migrated database, emptied."""
    shared_database.run("DELETE FROM users")
    return shared_database


@pytest.fixture(scope="session")
def make_settings(database_url: str) -> Callable[..., Settings]:
    """A function that makes settings from the tests' defaults and these environment variables."""

    return lambda **environ: load_settings({"DATABASE_URL": database_url, "THREADS": "32", **UNLIMITED, **environ})


@pytest.fixture(scope="session")
def client_over(make_settings: Callable[..., Settings]) -> Callable[..., TestClient]:
    """A function that makes a test client of an application over a database, with these settings."""

    def make(database: Database, **environ: str) -> TestClient:
        settings = make_settings(**environ)
        users_table = read_users_table(database, settings.users_table)
        return TestClient(create_app(resolve_settings(settings, users_table), database, users_table))

    return make


@pytest.fixture
def make_client(database: Database, client_over: Callable[..., TestClient]) -> Callable[..., TestClient]:
    """A function that makes a test client of an application with these settings."""
    return partial(client_over, database)


@pytest.fixture(scope="session")
def application(shared_database: Database, client_over: Callable[..., TestClient]) -> Any:
    """The WSGI application with the tests' settings. It keeps no state of a request, so all tests share it."""
    return client_over(shared_database).app


@pytest.fixture
def client(application: Any, database: Database) -> TestClient:
    """A test client of the application; its tables are empty."""
    return TestClient(application)


@pytest.fixture
def make_user(client: TestClient) -> Callable[..., Caller]:
    """A function that makes a caller with a valid token; `through` replaces the test's client."""

    def make(user_id: str | None = None, through: TestClient | None = None, **claims: Any) -> Caller:
        user_id = user_id or f"user-{uuid.uuid4().hex[:8]}"
        return Caller(through or client, user_id, token_for(user_id, **claims))

    return make


@pytest.fixture
def user(make_user: Callable[..., Caller]) -> Caller:
    """Any user."""
    return make_user()


@pytest.fixture
def anonymous(client: TestClient) -> Caller:
    """A caller without a token."""
    return Caller(client, None, None)


@pytest.fixture
def patient_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request with an unknown key waits for the download, however busy the machine is."""
    monkeypatch.setattr(jwks, "MAX_WAIT", WAIT_TIMEOUT)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    """A Redis for this test alone."""
    server = Redis(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def broken_inserts(database: Database) -> Iterator[None]:
    """Each insert of a task fails with a PostgreSQL error that the service does not handle specially."""
    database.run(BROKEN_INSERT)
    yield
    database.run("DROP FUNCTION break_insert CASCADE")


@pytest.fixture
def statements(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The SQL statements that the application runs, in order."""
    recorded: list[str] = []
    run = database.run

    def record(sql: str, *arguments: Any, **options: Any) -> list[tuple[Any, ...]]:
        recorded.append(sql)
        return run(sql, *arguments, **options)

    monkeypatch.setattr(database, "run", record)
    return recorded

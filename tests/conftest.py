"""What all tests share: one PostgreSQL a run, a migrated database for each test process, and factories.

Tests talk to the application as a client does; each starts with empty tables.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import falcon
import jwt
import psycopg2
import pytest
from falcon.testing import Result, TestClient

from api.app import create_app
from api.migrate import migrate
from api.postgres.database import Database
from api.postgres.embedded import start_embedded, stop_embedded
from api.resolved_settings import resolve_settings
from api.settings import Settings, load_settings
from api.users_table import read_users_table

DATA_DIR = "TASKS_TESTS_DATA_DIR"
SECRET = "a-secret-of-the-tests-that-is-long-enough"


def pytest_configure(config: pytest.Config) -> None:
    # Not in pytest's own folder: each run of pytest as root closes that to the account PostgreSQL then runs as.
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
    yield start_embedded(data_dir)
    stop_embedded(data_dir)


@pytest.fixture(scope="session")
def create_database(postgres_url: str) -> Iterator[Callable[[], str]]:
    """Makes an empty database and returns its URL; all are dropped at the end."""
    names: list[str] = []
    parameters = psycopg2.extensions.parse_dsn(postgres_url)

    def execute(statement: str) -> None:
        connection = psycopg2.connect(**parameters)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
        connection.close()

    def create() -> str:
        name = f"test_{uuid.uuid4().hex}"
        execute(f"CREATE DATABASE {name}")
        names.append(name)
        head, _, query = postgres_url.partition("?")
        return head.rsplit("/", 1)[0] + f"/{name}" + (f"?{query}" if query else "")

    yield create
    for name in names:
        execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def database_url(create_database: Callable[[], str]) -> str:
    """The URL of a database that the real migrations have built."""
    url = create_database()
    database = connect(url)
    migrate(database, "users")
    database.close()
    return url


def connect(url: str) -> Database:
    return Database(url, pool_size=8, statement_timeout=10)


def make_application(settings: Settings, database: Database) -> falcon.App[Any, Any]:
    """The application as a start makes it: the one place where tests build it."""
    users_table = read_users_table(database, settings.users_table)
    return create_app(resolve_settings(settings, users_table), database, users_table)


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
    """Settings from environment variables, those of the tests beneath."""

    def make(**environ: str) -> Settings:
        basis = {
            "DATABASE_URL": database_url,
            "BETTER_AUTH_SECRET": SECRET,
            "BCRYPT_COST": "4",
            "RATE_LIMIT": "",
            "AUTH_RATE_LIMIT": "",
            "THREADS": "32",
        }
        return load_settings({**basis, **environ})

    return make


class Caller:
    """Calls the application as one user, or as nobody."""

    def __init__(self, client: TestClient, user_id: str | None, token: str | None) -> None:
        self._client = client
        self.user_id = user_id
        self.token = token

    def __call__(self, method: str, path: str, body: Any = None, /, **options: Any) -> Result:
        """One request; `body` is sent as JSON, `options` are those of Falcon's simulate_request."""
        headers = dict(options.pop("headers", None) or {})
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        if body is not None:
            options["json"] = body
        result: Result = self._client.simulate_request(method, path, headers=headers, **options)
        return result

    def make_task(self, title: str = "Buy milk", /, **fields: Any) -> dict[str, Any]:
        """Create a task and return it as the API does."""
        result = self("POST", "/api/tasks", {"title": title, **fields})
        assert result.status_code == 201, result.text
        task: dict[str, Any] = result.json["data"]
        return task

    def titles(self, **query: str) -> list[str]:
        """The titles of a list, in its order."""
        result = self("GET", "/api/tasks", params=query)
        assert result.status_code == 200, result.text
        return [task["title"] for task in result.json["data"]]


def token_for(user_id: str, **claims: Any) -> str:
    """An HS256 token as a frontend's auth server issues it; a claim of None is left out."""
    payload = {"sub": user_id, "exp": int(time.time()) + 600, **claims}
    return jwt.encode({name: value for name, value in payload.items() if value is not None}, SECRET, "HS256")


@pytest.fixture
def make_client(database: Database, make_settings: Callable[..., Settings]) -> Callable[..., TestClient]:
    """A testing client of an application with other settings."""
    return lambda **environ: TestClient(make_application(make_settings(**environ), database))


@pytest.fixture(scope="session")
def application(shared_database: Database, make_settings: Callable[..., Settings]) -> falcon.App[Any, Any]:
    """The application with the tests' settings: it keeps nothing of a request, so that all tests may share it."""
    return make_application(make_settings(), shared_database)


@pytest.fixture
def client(application: falcon.App[Any, Any], database: Database) -> TestClient:
    """A testing client of an application whose tables are empty."""
    return TestClient(application)


@pytest.fixture
def make_user(client: TestClient) -> Callable[..., Caller]:
    """A user with a token of their own, who may call; `through` is another client than the test's."""

    def make(user_id: str | None = None, through: TestClient | None = None, **claims: Any) -> Caller:
        user_id = user_id or f"user-{uuid.uuid4().hex[:8]}"
        return Caller(through or client, user_id, token_for(user_id, **claims))

    return make


@pytest.fixture
def user(make_user: Callable[..., Caller]) -> Caller:
    """Any user."""
    return make_user()


@pytest.fixture
def nobody(client: TestClient) -> Caller:
    """A caller without a token."""
    return Caller(client, None, None)


def error_of(result: Result) -> tuple[int, str]:
    """An error answer's status and code; its envelope is checked on the way."""
    assert result.headers["content-type"] == "application/json", result.headers
    assert set(result.json) == {"error"}, result.text
    assert set(result.json["error"]) <= {"code", "message", "details"}
    assert result.headers["x-request-id"]
    return result.status_code, result.json["error"]["code"]

"""Better Auth and the task service, both real, over one PostgreSQL."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import psycopg2
import pytest

from tests.better_auth.servers import AuthServer
from tests.better_auth.users import User
from tests.service import PROJECT, Service


class Setup(NamedTuple):
    """The two servers, ready, and the database beneath both."""

    auth: AuthServer
    tasks: Service
    database_url: str

    def sign_up(self, name: str = "Ann") -> User:
        return User(self.auth, self.tasks, name)

    def query(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(self.database_url)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()


@pytest.fixture(scope="session")
def node() -> None:
    """Node and the npm workspace: without them these tests fail in CI and are skipped elsewhere."""
    if shutil.which("node") and (PROJECT / "node_modules" / "better-auth").is_dir():
        return
    message = "needs node 20 and the npm workspace: run `npm ci` in the project's root"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def start_setup(
    node: None, create_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Setup]]:
    """Starts both servers over a new database: `auth` are Better Auth's settings, `tasks` the service's."""
    running: list[AuthServer | Service] = []

    def start(auth: dict[str, str] | None = None, tasks: dict[str, str] | None = None) -> Setup:
        logs = tmp_path_factory.mktemp("better-auth")
        database_url = create_database()
        auth_server = AuthServer(logs / "auth.log", database_url, **(auth or {}))
        running.append(auth_server)
        auth_server.start()
        settings = {"JWKS_URL": auth_server.jwks_url, "USERS_TABLE": "user", "WORKERS": "2", "RATE_LIMIT": ""}
        service = Service(logs / "tasks.log", {"DATABASE_URL": database_url, **settings, **(tasks or {})})
        running.append(service)
        service.wait_until_ready()
        return Setup(auth_server, service, database_url)

    yield start
    for server in reversed(running):
        server.stop()


@pytest.fixture(scope="session", params=["text", "uuid"])
def setup(request: pytest.FixtureRequest, start_setup: Callable[..., Setup]) -> Setup:
    """Both servers, with either type of Better Auth's ids. Tests that rotate keys start their own."""
    return start_setup(auth={"ID_TYPE": request.param})

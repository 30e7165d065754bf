"""Better Auth and the task service, both real, over one PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.better_auth.servers import PATIENCE, AuthServer, require_node
from tests.better_auth.users import Setup
from tests.support.processes import PATIENT, Service


@pytest.fixture(scope="session")
def node() -> None:
    require_node()


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
        addresses = {"DATABASE_URL": database_url, "JWKS_URL": auth_server.jwks_url}
        # So many threads that no call of a user waits for its turn.
        settings = {"USERS_TABLE": "user", "WORKERS": "2", "THREADS": "16", "RATE_LIMIT": "", **PATIENT}
        service = Service(logs / "tasks.log", {**addresses, **settings, **(tasks or {})}, prelude=PATIENCE)
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

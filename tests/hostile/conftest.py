"""The real serve.py with two processes, for all these tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.conftest import SECRET
from tests.hostile.world import World
from tests.service import running


@pytest.fixture(scope="package")
def service_world(create_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    url = create_database()
    environ = {
        "DATABASE_URL": url,
        "BETTER_AUTH_SECRET": SECRET,
        "WORKERS": "2",
        "BCRYPT_COST": "4",
        "RATE_LIMIT": "",
        "AUTH_RATE_LIMIT": "",
        "MAX_TASKS": "0",
    }
    with running(tmp_path_factory.mktemp("hostile") / "log", **environ) as service:
        world = World(service, url)
        yield world
        world.close()


@pytest.fixture
def world(service_world: World) -> Iterator[World]:
    """The service, and after each test the proof that nothing came of it."""
    yield service_world
    service_world.check()

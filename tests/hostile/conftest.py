"""One serve.py with two worker processes for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.hostile.world import World
from tests.support.processes import PATIENT, UNLIMITED, running


@pytest.fixture(scope="package")
def service_world(create_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    url = create_database()
    log = tmp_path_factory.mktemp("hostile") / "log"
    with running(log, DATABASE_URL=url, WORKERS="2", MAX_TASKS="0", **UNLIMITED, **PATIENT) as service:
        world = World(service, url)
        yield world
        world.close()


@pytest.fixture
def world(service_world: World) -> Iterator[World]:
    """The service; after each test it is checked that no request had an effect."""
    yield service_world
    service_world.check()

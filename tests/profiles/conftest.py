"""Fixtures: the service with the ugly client's profile, and that client."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.profiles.ugly_client import PAGE, PROFILE, Client
from tests.support.processes import PATIENT, UNLIMITED, Service, running


@pytest.fixture(scope="module")
def ugly_service(create_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    settings = {**UNLIMITED, **PATIENT, "DATABASE_URL": create_database(), "WORKERS": "1", "CORS_ORIGINS": PAGE}
    log = tmp_path_factory.mktemp("ugly") / "service.log"
    with running(log, FRONTEND=str(PROFILE), **settings) as service:
        yield service
        assert {event["name"] for event in service.events("not understood")} <= {"GET /nowhere"}


@pytest.fixture
def ugly(ugly_service: Service) -> Client:
    """The ugly client of a new user."""
    return Client(ugly_service)

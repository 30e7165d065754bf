"""Fixtures of the contracts' tests alone: the real process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import SECRET
from tests.contracts.service import Service


@contextmanager
def starter(url: str, directory: Path) -> Iterator[Callable[..., Service]]:
    """Starts serve.py over a database; all that are started are stopped at the end."""
    started: list[Service] = []

    def start(**environ: str) -> Service:
        basis = {
            "DATABASE_URL": url,
            "BETTER_AUTH_SECRET": SECRET,
            "BCRYPT_COST": "4",
            "WORKERS": "1",
            "LOG_FORMAT": "json",
            "RATE_LIMIT": "",
            "AUTH_RATE_LIMIT": "",
        }
        started.append(Service(directory, **{**basis, **environ}))
        return started[-1]

    try:
        yield start
    finally:
        for service in started:
            service.stop()


@pytest.fixture
def start_service(create_database: Callable[[], str], tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Starts serve.py over a database of this test."""
    with starter(create_database(), tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def start_shared_service(
    create_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Service]]:
    """The same, for all tests of a module."""
    with starter(create_database(), tmp_path_factory.mktemp("service")) as start:
        yield start

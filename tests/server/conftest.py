"""Fixtures: a shared server, and a function that starts others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.process import Connection, Process, Start, starting


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """A function that starts a server with arguments of tests.server.site; `wait=False` returns before it is ready."""
    with starting(tmp_path) as start:
        yield start


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A server for tests that do not change its state."""
    with starting(tmp_path_factory.mktemp("shared")) as start:
        # A test that sends on after a refusal needs time for it.
        yield start(threads=2, LINGER_TIMEOUT=60)


@pytest.fixture
def connection(shared: Process) -> Iterator[Connection]:
    """A new connection to the shared server."""
    connection = shared.connect()
    yield connection
    connection.close()

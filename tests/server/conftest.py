"""Servers for these tests: one that they share, and any they start for themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.server.process import Connection, Process

Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a server with arguments of tests.server.site and waits until it is ready, unless told otherwise."""
    processes: list[Process] = []

    def start(*, wait: bool = True, **arguments: object) -> Process:
        process = Process(tmp_path / f"server-{len(processes)}.log", arguments)
        processes.append(process)
        if wait:
            process.wait_until_ready()
        return process

    yield start
    for process in processes:
        process.stop()


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A server for tests that leave it as they found it."""
    process = Process(tmp_path_factory.mktemp("shared") / "server.log", {"threads": 2})
    process.wait_until_ready()
    yield process
    process.stop()


@pytest.fixture
def connection(shared: Process) -> Iterator[Connection]:
    """A new connection to the shared server."""
    connection = shared.connect()
    yield connection
    connection.close()

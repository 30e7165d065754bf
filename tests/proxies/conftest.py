"""Two instances of a small application that tells what reaches it and, in front of them, each proxy in turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proxies.proxy import COMMANDS, Proxy
from tests.server.process import Process, starting
from tests.support.waiting import wait_until


@pytest.fixture
def instances(tmp_path: Path) -> Iterator[list[Process]]:
    """Two instances, each with a record of the requests that reached it."""
    with starting(tmp_path) as start:
        yield [
            start(threads=2, RECORD=tmp_path / f"record-{number}", UNREADY=tmp_path / f"unready-{number}")
            for number in (1, 2)
        ]


@pytest.fixture(params=COMMANDS)
def proxy(request: pytest.FixtureRequest, tmp_path: Path, instances: list[Process]) -> Iterator[Proxy]:
    """The proxy, when it reaches both."""
    proxy = Proxy(request.param, tmp_path, [instance.port for instance in instances])
    try:
        pids = {instance.pid for instance in instances}
        wait_until(lambda: {proxy.pid_behind() for _ in range(6)} == pids, "both instances to be reached", 20)
        yield proxy
    finally:
        proxy.stop()

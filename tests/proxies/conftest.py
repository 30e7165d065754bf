"""Fixtures: two instances of a small application that reports its requests, and each proxy in front of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proxies.proxy import COMMANDS, Proxy
from tests.server.process import Process, starting
from tests.support.waiting import wait_until


@pytest.fixture
def instances(tmp_path: Path) -> Iterator[list[Process]]:
    """Two instances, each with a record of its requests."""
    with starting(tmp_path) as start:
        yield [
            start(threads=2, RECORD=tmp_path / f"record-{number}", UNREADY=tmp_path / f"unready-{number}")
            for number in (1, 2)
        ]


@pytest.fixture(params=COMMANDS)
def proxy(request: pytest.FixtureRequest, tmp_path: Path, instances: list[Process]) -> Iterator[Proxy]:
    """The proxy, once it reaches both instances."""
    proxy = Proxy(request.param, tmp_path, [instance.port for instance in instances])
    try:
        pids = {instance.pid for instance in instances}
        wait_until(lambda: {proxy.pid_behind() for _ in range(6)} == pids, "both instances to be reached")
        yield proxy
    finally:
        proxy.stop()

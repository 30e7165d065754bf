"""Two instances and, in front of them, each proxy in turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proxies.proxy import Proxy, haproxy, nginx
from tests.server.conftest import Start, start
from tests.server.process import Process

__all__ = ["start"]

COMMANDS = {"haproxy": haproxy, "nginx": nginx}


@pytest.fixture
def instances(start: Start, tmp_path: Path) -> list[Process]:
    """Two instances, each with a record of the requests that reached it."""
    return [
        start(threads=2, RECORD=tmp_path / f"record-{number}", UNREADY=tmp_path / f"unready-{number}")
        for number in (1, 2)
    ]


@pytest.fixture(params=COMMANDS)
def proxy(request: pytest.FixtureRequest, tmp_path: Path, instances: list[Process]) -> Iterator[Proxy]:
    """The proxy, when it reaches both."""
    proxy = Proxy(COMMANDS[request.param], tmp_path, instances)
    try:
        proxy.wait_until_it_reaches(instances)
        yield proxy
    finally:
        proxy.stop()

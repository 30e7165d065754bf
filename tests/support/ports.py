"""Free ports."""

from __future__ import annotations

import itertools
import os
import random
import socket
from collections.abc import Iterator

FIRST, LAST = 11_000, 32_000
"""Below the ports that Linux gives to outgoing connections: none of those can take a port before its server has it."""


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens now, and which no other test of this run gets."""
    return next(port for port in _ports if _is_free(port))


def _ports_of_this_process() -> Iterator[int]:
    """Each test process has its own part; runs beside each other start in random places."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    ports = range(FIRST + number, LAST, count)
    return itertools.cycle(random.sample(ports, len(ports)))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As a server does, or a port that was used a moment ago would not be free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


_ports = _ports_of_this_process()

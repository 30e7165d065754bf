"""Free ports."""

from __future__ import annotations

import socket
from collections import deque

KEPT = 200
_reserved: deque[socket.socket] = deque()
"""Sockets bound to the last ports, so that the kernel gives these to nobody who asks for any free port."""


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens, for a server that sets SO_REUSEADDR, as servers do."""
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind(("127.0.0.1", 0))
    _reserved.append(probe)
    if len(_reserved) > KEPT:
        _reserved.popleft().close()
    port: int = probe.getsockname()[1]
    return port

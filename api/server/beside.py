"""A second listener of a serving process, such as that of its metrics: few threads and connections, the same limits."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable
from functools import partial
from typing import Final

from api.server import portable_server
from api.server.handlers import Handlers
from api.server.loop import Loop

MAX_CONNECTIONS: Final = 128
"""listener.py leaves descriptors for them. Once they are open, a silent one is closed after CROWDED_IDLE_TIMEOUT."""


def serve_beside(handlers: Handlers, listener: socket.socket) -> None:
    """Serve with one thread and a few spare ones, until the process ends."""
    run: Callable[[], object]
    if hasattr(select, "epoll"):
        loop = Loop(handlers, listener, threads=1, max_connections=MAX_CONNECTIONS)
        run = partial(loop.run, lambda: None, 0.0)
    else:
        run = portable_server.create(handlers, listener, threads=1).run
    threading.Thread(target=run, name="serve-beside", daemon=True).start()

"""Where there is no epoll, as on macOS: waitress' own server, with our limits, for a developer's laptop.

Responses are the same. What loop.py adds is missing: waitress rejects broken HTTP in its own words, a head is judged
once the body is there, and a stop waits only for what threads are working on.
"""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Callable
from typing import Any, Final, NoReturn

from waitress.server import create_server

from api.server.handlers import Handlers
from api.server.request import MAX_BODY

CONNECTIONS: Final = 1000


def create(handlers: Handlers, listener: socket.socket, *, threads: int) -> Any:
    """Create waitress' server."""
    return create_server(
        handlers.judging_application(),
        sockets=[listener],
        threads=threads,
        asyncore_use_poll=True,
        connection_limit=CONNECTIONS,
        max_request_body_size=MAX_BODY,
        ident="",
        clear_untrusted_proxy_headers=False,
    )


def serve(handlers: Handlers, listener: socket.socket, *, threads: int, on_ready: Callable[[], None]) -> int:
    """Serve until SIGTERM or SIGINT; 0."""
    server = create(handlers, listener, threads=threads)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    with contextlib.suppress(SystemExit):
        on_ready()
        server.run()
    return 0


def _stop(number: int, frame: object) -> NoReturn:
    # A second signal must not interrupt the stop.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit

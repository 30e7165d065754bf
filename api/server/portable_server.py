"""Where there is no epoll, as on macOS: waitress as it comes, with our limits, for a developer's laptop.

The answers are the same. What epoll_server.py adds is not there: refusals of broken HTTP are waitress' own, and a stop
waits only for what threads are working on.
"""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from waitress.server import create_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

CONNECTIONS = 1000


def serve(
    application: WSGIApplication, listener: socket.socket, *, threads: int, max_body: int, on_ready: Callable[[], None]
) -> int:
    """Serve until SIGTERM or SIGINT; 0."""
    server = create_server(
        application,
        sockets=[listener],
        threads=threads,
        asyncore_use_poll=True,
        connection_limit=CONNECTIONS,
        max_request_body_size=max_body,
        ident="",
        clear_untrusted_proxy_headers=False,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    with contextlib.suppress(SystemExit):
        on_ready()
        server.run()
    return 0


def _stop(number: int, frame: object) -> NoReturn:
    # A second signal must not end the end.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit

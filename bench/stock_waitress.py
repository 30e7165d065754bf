"""`python -m bench.stock_waitress`: the application under unmodified waitress, as a comparison for bench.servers.

waitress runs one process. Here WORKERS processes share one listening socket, each with `waitress.serve`, THREADS
threads and otherwise waitress' defaults.
"""

from __future__ import annotations

import os

import waitress

from api.server.listener import listen
from api.settings import load_settings
from serve import application


def main() -> None:
    """Serve until the process is killed."""
    settings = load_settings(os.environ)
    listener = listen(settings.host, settings.port)
    for _ in range(settings.workers - 1):
        if os.fork() == 0:
            break
    waitress.serve(application(), sockets=[listener], threads=settings.threads)


if __name__ == "__main__":
    main()

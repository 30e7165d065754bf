"""Where Prometheus fetches the metrics: one port for all workers, whichever of them answers.

Each worker writes its numbers into files that all can read (prometheus_client's multi-process mode) and one thread of
each listens on the same socket, so there is no process more to keep alive. What is counted is in metrics.py.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app, values
from prometheus_client.multiprocess import MultiProcessCollector

from api.metrics import Metrics

CLIENT_TIMEOUT: Final = 5.0
"""Seconds that a client may take to say what it wants."""


MOST_WORKERS: Final = 1024
"""More than WORKERS may be: a worker that ends may overlap with the one that replaces it."""


class MetricsServer:
    """The metrics of all workers behind one listening socket, which it takes over.

    Made before the workers are forked; `start` is called in each of them, `close` where it was made.
    """

    def __init__(self, listener: socket.socket) -> None:
        # Every worker is woken for one connection; those that come too late must not block in accept.
        listener.setblocking(False)
        self._listener = listener
        self._directory = Path(tempfile.mkdtemp(prefix="tasks-metrics-"))

    def start(self) -> Metrics:
        """This worker's metrics, and a thread that answers Prometheus for all of them."""
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(self._directory)
        name = self._take_slot()
        values.ValueClass = values.MultiProcessValue(lambda: name)  # type: ignore[no-untyped-call]
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self._directory))  # type: ignore[no-untyped-call]
        server = _Server(self._listener)
        server.set_app(make_wsgi_app(registry))
        threading.Thread(target=server.serve_forever, name="metrics server", daemon=True).start()
        return Metrics()

    def _take_slot(self) -> str:
        """The first place that no living worker has; the kernel frees it however its holder ends.

        A worker that replaces a dead one goes on with its files: counters never run backwards, files never pile up.
        """
        for number in range(MOST_WORKERS):
            lock = os.open(self._directory / f"{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return str(number)
            os.close(lock)
        raise RuntimeError("more workers than places")

    def close(self) -> None:
        """Stop listening and drop the numbers."""
        self._listener.close()
        shutil.rmtree(self._directory, ignore_errors=True)


class _Handler(WSGIRequestHandler):
    timeout = CLIENT_TIMEOUT
    server_version = "metrics"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: every scrape would be a line."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(listener.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_name, self.server_port = listener.getsockname()[:2]
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away in the middle is none of the log's business."""

"""Serves the metrics to Prometheus: one port, at which any worker responds for all.

Each worker writes its values to files that all can read (prometheus_client's multi-process mode). A few threads of each
worker serve the same socket, so no further process is needed. The metrics themselves are in metrics.py.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, make_wsgi_app, values
from prometheus_client.multiprocess import MultiProcessCollector

from api.metrics import Metrics
from api.server.beside import serve_beside
from api.server.handlers import Handlers

MAX_SLOTS: Final = 1024
"""More than the greatest WORKERS: a worker that ends may overlap with the one that replaces it."""


class MetricsServer:
    """The metrics of all workers behind one listening socket, which it then owns.

    Create it before the workers are forked. Call `start` in each of them, and `close` in the parent.
    """

    def __init__(self, listener: socket.socket) -> None:
        # A connection wakes every worker. One accepts it, and the others must not block in accept.
        listener.setblocking(False)
        self._listener = listener
        self._directory = Path(tempfile.mkdtemp(prefix="tasks-metrics-"))

    def start(self) -> Metrics:
        """Start to respond to Prometheus for all workers. Return this worker's metrics."""
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(self._directory)
        name = self._take_slot()
        values.ValueClass = values.MultiProcessValue(lambda: name)  # type: ignore[no-untyped-call]
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self._directory))  # type: ignore[no-untyped-call]
        serve_beside(Handlers(make_wsgi_app(registry)), self._listener)
        return Metrics()

    def _take_slot(self) -> str:
        """Lock the first free slot. The kernel frees it when the worker ends, even by SIGKILL.

        A worker that replaces another continues its files, so counters never decrease and files do not accumulate.
        """
        for number in range(MAX_SLOTS):
            lock = os.open(self._directory / f"{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return str(number)
            os.close(lock)
        raise RuntimeError(f"all {MAX_SLOTS} slots for workers' metrics are taken")

    def close(self) -> None:
        """Stop listening and delete the values."""
        self._listener.close()
        shutil.rmtree(self._directory, ignore_errors=True)

"""Silent connections to the metrics port take no threads, and give their place to a scrape."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import psutil

from tests.support.http import call
from tests.support.ports import free_port
from tests.support.processes import running
from tests.support.signing import SECRET
from tests.support.waiting import wait_until

SILENT = 600
"""More than two workers accept."""

MOST_THREADS = 40
"""In each worker, those that serve requests and those for the database included."""


def test_silent_connections_take_no_threads_and_a_scrape_is_served(database_url: str, tmp_path: Path) -> None:
    port = free_port()
    settings = {"BETTER_AUTH_SECRET": SECRET, "WORKERS": "2", "METRICS_PORT": str(port)}
    with running(tmp_path / "log", DATABASE_URL=database_url, **settings) as service, contextlib.ExitStack() as silent:
        for _ in range(SILENT):
            silent.enter_context(contextlib.closing(socket.create_connection(("127.0.0.1", port))))

        assert service.call("GET", "/health").status == 200
        wait_until(lambda: call(port, "GET", "/metrics", timeout=60).status == 200, "a scrape", timeout=60)
        assert all(psutil.Process(worker).num_threads() < MOST_THREADS for worker in service.children())

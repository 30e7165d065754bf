"""A service whose PostgreSQL a test may stop and start."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil

from api.postgres.embedded import start_embedded
from tests.support.processes import Service


class FragileService:
    """A service over a PostgreSQL of its own, which it reaches by DATABASE_URL."""

    def __init__(self, service: Service, data_dir: Path) -> None:
        self.service = service
        self._data_dir = data_dir

    def stop_database(self) -> None:
        """Shut PostgreSQL down while the service runs; this ends its connections."""
        pid_file = self._data_dir / "postgres" / "postmaster.pid"
        postmaster = psutil.Process(int(pid_file.read_text().split()[0]))
        postmaster.send_signal(signal.SIGINT)
        postmaster.wait(60)

    def start_database(self) -> None:
        """Start PostgreSQL again."""
        start_embedded(self._data_dir)

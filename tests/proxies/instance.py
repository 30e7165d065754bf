"""One instance of the service at a port that it keeps from one life to the next."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.conftest import SECRET
from tests.service import Service, free_port


class Instance:
    """serve.py, started, killed or stopped, and started again."""

    def __init__(self, directory: Path, name: str, database_url: str, **environ: str) -> None:
        self.port = free_port()
        self._directory = directory
        self._name = name
        self._lives = 0
        self._environ = {
            "DATABASE_URL": database_url,
            "BETTER_AUTH_SECRET": SECRET,
            "PORT": str(self.port),
            "RATE_LIMIT": "",
            "MAX_TASKS": "0",
            "TRUSTED_PROXY": "127.0.0.1",
            **environ,
        }
        self.start()

    def start(self) -> None:
        """Begin a life; it is ready when this returns."""
        self._lives += 1
        self._service = Service(self._directory / f"{self._name}-{self._lives}.log", self._environ)
        self._service.wait_until_ready()

    def requests(self) -> int:
        """The users' requests that it has answered in this life."""
        return self._service.output.count('"user_id":')

    def kill(self) -> None:
        """SIGKILL; it is gone when this returns."""
        self._service.process.kill()
        self._service.process.wait()

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        return self._service.stop(signal.SIGTERM)

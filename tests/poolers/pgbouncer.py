"""PgBouncer in transaction mode with this project's configuration, in front of a database."""

from __future__ import annotations

import subprocess
from pathlib import Path

from deploy.cluster import listens, prepare_pgbouncer
from tests.operations.programs import find_program
from tests.server.process import PATIENCE, wait_until
from tests.service import free_port


class PgBouncer:
    """Running when this is made; it may be ended and started again on the same port. `url` leads through it."""

    def __init__(self, directory: Path, database_url: str, **settings: int) -> None:
        self._port = free_port()
        self._log = directory / "pgbouncer.log"
        command, self.url = prepare_pgbouncer(directory, database_url, self._port, **settings)
        self._command = [find_program(command[0]), *command[1:]]
        self.start()

    def start(self) -> None:
        """Return when it takes connections."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: listens(self._port) or self._process.poll() is not None, "PgBouncer to start")
        assert self._process.poll() is None, self.log

    def stop(self) -> None:
        """SIGTERM: it drops its clients at once."""
        self._process.terminate()
        self._process.wait(PATIENCE)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(PATIENCE)

    @property
    def log(self) -> str:
        return self._log.read_text()

"""PgBouncer in transaction mode with this project's configuration, in front of a database."""

from __future__ import annotations

from pathlib import Path

from deploy.cluster import listens, prepare_pgbouncer
from tests.support.ports import free_port
from tests.support.processes import Program
from tests.support.programs import find_program


class PgBouncer(Program):
    """Running after construction; can be stopped and started again on the same port. `url` connects through it."""

    def __init__(self, directory: Path, database_url: str, **settings: int) -> None:
        self._port = free_port()
        command, self.url = prepare_pgbouncer(directory, database_url, self._port, **settings)
        super().__init__([find_program(command[0]), *command[1:]], directory / "pgbouncer.log")

    def start(self) -> None:
        """Start it; return when it accepts connections."""
        super().start()
        self.wait_until(lambda: listens(self._port), "PgBouncer to start")

"""A redis-server for tests, without persistence."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

from tests.support.ports import free_port
from tests.support.processes import Program
from tests.support.programs import find_program
from tests.support.waiting import WAIT_TIMEOUT


class Redis(Program):
    """Running after construction; can be stopped and started again on the same port."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.patient_url = f"{self.url}?socket_timeout=30&socket_connect_timeout=30"
        """The same, with more time than the service gives a storage: a busy machine may stop Redis for a moment."""
        options = f"--port {self.port} --bind 127.0.0.1 --save --appendonly no --dir"
        super().__init__([find_program("redis-server"), *options.split(), directory], directory / "redis.log")

    def start(self) -> None:
        super().start()
        self.wait_until(self._responds, "Redis to respond")

    def send(self, command: str) -> str:
        """The reply to one short command."""
        with contextlib.closing(socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_TIMEOUT)) as connection:
            connection.sendall(f"{command}\r\n".encode())
            return connection.recv(65_536).decode()

    def _responds(self) -> bool:
        with contextlib.suppress(OSError):
            return self.send("PING").startswith("+PONG")
        return False

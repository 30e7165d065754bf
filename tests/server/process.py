"""The server of `tests.server.site` as a process, and connections to it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support.http import Connection, Response
from tests.support.processes import Program
from tests.support.waiting import WAIT_TIMEOUT, wait_until

# Re-exported, so that the tests of this folder import from one module.
__all__ = ["WAIT_TIMEOUT", "Connection", "Process", "Response", "Start", "starting", "wait_until"]


class Process(Program):
    """A running `tests.server.site`."""

    def __init__(self, log: Path, arguments: dict[str, object]) -> None:
        self._connections: list[Connection] = []
        command = [sys.executable, "-m", "tests.server.site", *(f"{k}={v}" for k, v in arguments.items())]
        super().__init__(command, log, new_session=True)
        self.pid = self.process.pid

    def log(self) -> str:
        return self.output

    @property
    def port(self) -> int:
        return int(self.output.split()[1])

    def wait_until_ready(self) -> None:
        self.wait_until(lambda: "ready" in self.output.split(), "ready")

    def connect(self) -> Connection:
        """A new connection, closed at the latest when the process is stopped."""
        connection = Connection(self.port)
        self._connections.append(connection)
        return connection

    def get(self, path: str) -> Response:
        with contextlib.closing(Connection(self.port)) as connection:
            return connection.get(path)

    def connections(self) -> int:
        """The number of the process's open connections to clients."""
        inodes = set(self._descriptors())
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        port = f":{self.port:04X}"
        return sum(row[1].endswith(port) and row[3] != "0A" and f"socket:[{row[9]}]" in inodes for row in rows)

    def _descriptors(self) -> Iterator[str]:
        for entry in Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                yield os.readlink(entry)

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Within this block the process and its workers stand still; then they find at once what clients have done."""
        pids = [self.pid, *self.children()]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def exit_status(self, timeout: float = WAIT_TIMEOUT) -> int:
        return self.process.wait(timeout=timeout)

    def stop(self, number: int = signal.SIGKILL, timeout: float = WAIT_TIMEOUT) -> int:
        """End the process and its children, whatever their state."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)
        for connection in self._connections:
            connection.close()
        return self.process.wait(timeout)


Start = Callable[..., Process]


@contextlib.contextmanager
def starting(folder: Path) -> Iterator[Start]:
    """A function that starts a server with arguments of tests.server.site; all are stopped at the end."""
    processes: list[Process] = []

    def start(*, wait: bool = True, **arguments: object) -> Process:
        process = Process(folder / f"server-{len(processes)}.log", arguments)
        processes.append(process)
        if wait:
            process.wait_until_ready()
        return process

    try:
        yield start
    finally:
        for process in processes:
            process.stop()

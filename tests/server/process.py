"""A started server process and raw connections to it: bytes out, bytes in, nothing put right in between."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE = 10.0
"""Seconds after which a test stops waiting for something that should happen at once."""


def wait_until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """The condition's value as soon as it is true."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.01)
    raise AssertionError(f"not within {patience} s: {what}")


@dataclass
class Answer:
    """One HTTP response, taken apart."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """A client's socket."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection((host, port), timeout=PATIENCE)
        self._unread = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def get(self, path: str) -> Answer:
        self.send(b"GET %s HTTP/1.1\r\nHost: test\r\n\r\n" % path.encode())
        return self.answer()

    def _until(self, end: bytes) -> bytes:
        while end not in self._unread:
            piece = self.socket.recv(65536)
            assert piece, f"the connection ended after {self._unread!r}"
            self._unread += piece
        taken, _, self._unread = self._unread.partition(end)
        return taken

    def answer(self, *, has_body: bool = True) -> Answer:
        lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status = lines[0].split(" ")[:2]
        assert version == "HTTP/1.1"
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
        length = int(headers.get("content-length", "0")) if has_body else 0
        body, self._unread = self._unread[:length], self._unread[length:]
        if len(body) < length:
            body += self._exactly(length - len(body))
        return Answer(int(status), headers, body)

    def _exactly(self, size: int) -> bytes:
        received = bytearray(size)
        view = memoryview(received)
        while view:
            count = self.socket.recv_into(view)
            assert count, "the connection ended within a body"
            view = view[count:]
        return bytes(received)

    def rest(self) -> bytes:
        """All that still comes until the server closes."""
        received, self._unread = [self._unread], b""
        while piece := self.socket.recv(65536):
            received.append(piece)
        return b"".join(received)

    def is_closed(self) -> bool:
        """Whether the server has closed, or reset, an idle connection."""
        try:
            return self.socket.recv(1, socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        self.socket.close()


class Process:
    """A running `tests.server.site`, its output in a file."""

    def __init__(self, log: Path, arguments: dict[str, object]) -> None:
        self._log = log
        self._connections: list[Connection] = []
        with log.open("w") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.server.site", *(f"{k}={v}" for k, v in arguments.items())],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def log(self) -> str:
        return self._log.read_text()

    @property
    def port(self) -> int:
        return int(self.log().split()[1])

    def wait_until_ready(self) -> None:
        wait_until(lambda: "ready" in self.log().split() or self._process.poll() is not None, "ready")
        assert "ready" in self.log().split(), self.log()

    def connect(self) -> Connection:
        """A new connection, closed at the latest when the process is stopped."""
        connection = Connection(self.port)
        self._connections.append(connection)
        return connection

    def get(self, path: str) -> Answer:
        with contextlib.closing(Connection(self.port)) as connection:
            return connection.get(path)

    def connections(self) -> int:
        """How many connections the process has open to clients."""
        inodes = set(self._descriptors())
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        port = f":{self.port:04X}"
        return sum(row[1].endswith(port) and row[3] != "0A" and f"socket:[{row[9]}]" in inodes for row in rows)

    def _descriptors(self) -> Iterator[str]:
        for entry in Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                yield os.readlink(entry)

    def children(self) -> list[int]:
        path = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def exit_status(self, patience: float = PATIENCE) -> int:
        return self._process.wait(timeout=patience)

    def stop(self) -> None:
        """End the process and what it started, however a test has left them."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(timeout=PATIENCE)
        for connection in self._connections:
            connection.close()

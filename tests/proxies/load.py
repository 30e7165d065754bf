"""Clients that call without pause on connections they keep, and note what became of every request."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.server.process import Answer, Connection

CLIENTS = 8
LONGEST = 30.0
"""Seconds after which the clients stop by themselves."""


@dataclass(frozen=True)
class Failure:
    """A request without a good answer."""

    method: str
    began: float
    what: str


@dataclass
class Load:
    """What the clients have seen so far."""

    answered: int = 0
    failures: list[Failure] = field(default_factory=list)
    pids: set[int] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def call_until_stopped(self, port: int, method: str) -> None:
        connection: Connection | None = None
        deadline = time.monotonic() + LONGEST
        while not self._stop.is_set() and time.monotonic() < deadline:
            began = time.monotonic()
            try:
                connection = connection or Connection(port)
                answer = self._call(connection, method)
            except (OSError, AssertionError) as ex:
                self._note(Failure(method, began, repr(ex)))
                connection = self._close(connection)
                continue
            if answer.status == 200:
                self._note(answer.json["pid"])
            else:
                self._note(Failure(method, began, str(answer.status)))
            if answer.headers.get("connection") == "close":
                connection = self._close(connection)
        self._close(connection)

    def _call(self, connection: Connection, method: str) -> Answer:
        connection.send(f"{method} /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n".encode())
        return connection.answer()

    def _close(self, connection: Connection | None) -> None:
        if connection is not None:
            connection.close()

    def _note(self, outcome: Failure | int) -> None:
        with self._lock:
            if isinstance(outcome, Failure):
                self.failures.append(outcome)
            else:
                self.answered += 1
                self.pids.add(outcome)


@contextlib.contextmanager
def load(port: int, methods: tuple[str, ...] = ("GET", "POST")) -> Iterator[Load]:
    """Clients that call until the block ends; half of them each of two methods."""
    seen = Load()
    clients = [
        threading.Thread(target=seen.call_until_stopped, args=(port, methods[number % len(methods)]))
        for number in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    try:
        yield seen
    finally:
        seen._stop.set()
        for client in clients:
            client.join()

"""Clients of the service that call without pause on persistent connections and record the outcome of every request."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from tests.support.http import Connection, Response
from tests.support.signing import token_for
from tests.support.waiting import wait_until

CLIENTS = 8
LONGEST = 300.0
"""Seconds after which the clients stop in any case."""

USER_PREFIX = "client-"


@dataclass(frozen=True)
class Failure:
    """A request without a 2xx response."""

    method: str
    began: float
    what: str


@dataclass
class Load:
    """The outcomes so far; half of the clients read the first task, the others create new ones.

    Each client has a user of its own: a worker serves one user with half of its threads.
    """

    port: int
    succeeded: int = 0
    failures: list[Failure] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    """Titles whose creation was acknowledged."""
    longest: float = 0.0

    def __post_init__(self) -> None:
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._numbers = count()

    def run_for(self, requests: int) -> None:
        """Wait until this many further requests have succeeded."""
        goal = self.succeeded + requests
        wait_until(lambda: self.succeeded >= goal, f"{requests} successful requests")

    def describe(self, title: str) -> str:
        return f"\n{title}: {self.succeeded} succeeded, {self.failures} failed, longest wait {self.longest:.2f} s"

    def call_until_stopped(self, client: int) -> None:
        method, token = ("GET", "POST")[client % 2], token_for(f"{USER_PREFIX}{client}")
        connection: Connection | None = None
        deadline = time.monotonic() + LONGEST
        while not self._stopped.is_set() and time.monotonic() < deadline:
            connection = self._call(connection, method, token)
        if connection is not None:
            connection.close()

    def _call(self, connection: Connection | None, method: str, token: str) -> Connection | None:
        """Send one request; the connection for the next one, or None."""
        number = next(self._numbers)
        title = f"Task {number}"
        body = json.dumps({"title": title}).encode() if method == "POST" else b""
        began = time.monotonic()
        try:
            connection = connection or Connection(self.port)
            connection.send(self._head(method, len(body), token) + body)
            response = connection.read_response()
        except (OSError, AssertionError) as ex:
            self._record(Failure(method, began, repr(ex)))
            if connection is not None:
                connection.close()
            return None
        good = response.status in (200, 201)
        self._record(
            None if good else Failure(method, began, str(response.status)), title if method == "POST" else None
        )
        self.longest = max(self.longest, time.monotonic() - began)
        return _keep(connection, response)

    def _head(self, method: str, length: int, token: str) -> bytes:
        lines = (
            f"{method} /api/tasks{'' if method == 'POST' else '?limit=1'} HTTP/1.1",
            "Host: test",
            f"Authorization: Bearer {token}",
            "Content-Type: application/json",
            f"Content-Length: {length}",
        )
        return "\r\n".join((*lines, "", "")).encode()

    def _record(self, failure: Failure | None, created: str | None = None) -> None:
        with self._lock:
            if failure is not None:
                self.failures.append(failure)
                return
            self.succeeded += 1
            if created is not None:
                self.created.append(created)

    def stop(self) -> None:
        self._stopped.set()


def _keep(connection: Connection, response: Response) -> Connection | None:
    if response.headers.get("connection") != "close":
        return connection
    connection.close()
    return None


@contextlib.contextmanager
def load(port: int) -> Iterator[Load]:
    """Clients that call until the block ends."""
    seen = Load(port)
    clients = [threading.Thread(target=seen.call_until_stopped, args=(number,)) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield seen
    finally:
        seen.stop()
        for client in clients:
            client.join()

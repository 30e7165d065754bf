"""A client of several services that takes them in turn, as a balancer before two versions would."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import Any

from tests.faults.client import Client
from tests.faults.figures import Outcome
from tests.support.http import Response
from tests.support.waiting import WAIT_TIMEOUT


class Turns:
    """The ports that all clients take in turn; they may be changed while the clients call."""

    def __init__(self, *ports: int) -> None:
        self.ports = ports

    def connect(self, port: int, outcomes: list[Outcome]) -> Client:
        """A client for a `Load`; `port` is not used."""
        return _ClientOfEach(self, outcomes)


class _ClientOfEach(Client):
    def __init__(self, turns: Turns, outcomes: list[Outcome]) -> None:
        super().__init__(turns.ports[0], outcomes)
        self._turns = turns
        self._calls = 0
        self._connections: dict[int, HTTPConnection] = {}

    def call(self, method: str, path: str, body: Any = None, *, user: str | None = None, **headers: str) -> Response:
        ports = self._turns.ports
        port = ports[self._calls % len(ports)]
        self._calls += 1
        self._connection = self._connections.setdefault(port, HTTPConnection("127.0.0.1", port, timeout=WAIT_TIMEOUT))
        return super().call(method, path, body, user=user, **headers)

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()

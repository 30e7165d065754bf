"""A steady mix of requests to one or more services on one database, and how long each took.

wrk sends as much as it can. Here clients keep to a rate, so that a long wait is the service's and not the queue's.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.running import HOST

TIMEOUT = 10.0
CLIENTS = 16

Request = tuple[str, str, Any, dict[str, str]]
"""Method, path, body, header fields."""


@dataclass(frozen=True)
class User:
    """A user who calls: a token, and some of the user's tasks."""

    token: str
    task_ids: Sequence[int]


@dataclass(frozen=True)
class Sent:
    """One request. `at` is time.monotonic's; `status` is 0 where no response came."""

    at: float
    seconds: float
    status: int
    request: str


class Client:
    """One keep-alive connection to each service, which is named by its port."""

    def __init__(self) -> None:
        self._connections: dict[int, http.client.HTTPConnection] = {}

    def send(self, port: int, token: str, request: Request) -> Sent:
        """Send one request and wait for its response."""
        method, path, body, fields = request
        if port not in self._connections:
            self._connections[port] = http.client.HTTPConnection(HOST, port, timeout=TIMEOUT)
        connection = self._connections[port]
        header = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **fields}
        began, status = time.monotonic(), 0
        try:
            connection.request(method, path, None if body is None else json.dumps(body), header)
            response = connection.getresponse()
            response.read()
            status = response.status
        except (OSError, http.client.HTTPException):
            connection.close()
        return Sent(began, time.monotonic() - began, status, f"{method} {path}")


class SteadyLoad:
    """Clients that send `rate` requests a second together, to `ports` in turns, until they are stopped."""

    def __init__(self, users: Sequence[User], rate: float, port: int) -> None:
        self.ports: tuple[int, ...] = (port,)
        self.sent: list[Sent] = []
        self._users = users
        self._interval = CLIENTS / rate
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        randomness, client = random.Random(number), Client()
        due = time.monotonic() + self._interval * number / CLIENTS
        count = 0
        while not self._stopped.wait(max(0.0, due - time.monotonic())):
            due = max(due + self._interval, time.monotonic() - self._interval)
            count += 1
            user = randomness.choice(self._users)
            port = self.ports[count % len(self.ports)]
            self.sent.append(client.send(port, user.token, any_request(randomness, user)))


def any_request(randomness: random.Random, user: User) -> Request:
    """Mostly reads, as people's requests are; a title in five that is written is not ASCII."""
    task = f"/api/tasks/{randomness.choice(user.task_ids)}"
    number = randomness.randrange(10**9)
    title = f"{'Crème' if number % 5 == 0 else 'Cream'} {number}"
    weighted: list[tuple[int, Request]] = [
        (30, ("GET", task, None, {})),
        (15, ("GET", "/api/tasks?status=pending&limit=20", None, {})),
        (5, ("GET", "/api/tasks?sort=due_date&order=desc&limit=20", None, {})),
        (5, ("GET", "/api/tasks?sort=title&limit=20", None, {})),
        (5, ("GET", "/api/tasks?search=cream&limit=20", None, {})),
        (15, ("PATCH", f"{task}/complete", None, {})),
        (5, ("PATCH", task, {"title": title}, {})),
        (5, ("PATCH", task, {"due_date": "2026-03-01"}, {})),
        (10, ("POST", "/api/tasks", {"title": title}, {})),
        (5, ("POST", "/api/tasks", {"title": title}, {"Idempotency-Key": f"key-{number}"})),
    ]
    [(_, request)] = randomness.choices(weighted, [weight for weight, _ in weighted])
    return request

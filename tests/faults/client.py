"""A client of the service on a connection it keeps: what became of each of its requests, and that no answer holds
another user's task. Titles begin with their user's id, so that a task in a wrong list is known whatever it says.
"""

from __future__ import annotations

import http.client
import json
import select
import time
from functools import lru_cache
from typing import Any, NamedTuple

from tests.conftest import token_for
from tests.faults.figures import BROKEN, Outcome


class Answer(NamedTuple):
    """What came back; `status` BROKEN where nothing did."""

    status: int
    headers: dict[str, str]
    data: Any

    @property
    def code(self) -> str:
        """The error code; empty where it is none."""
        return str(self.data["error"]["code"]) if self.status >= 400 else ""


class Client:
    """Calls on one connection, opened anew where the server has closed it; `outcomes` may be shared with others.

    Raises ConnectionRefusedError where nobody listens, and AssertionError for a 503 that is not as promised or for a
    task that is not the caller's.
    """

    def __init__(self, port: int, outcomes: list[Outcome] | None = None) -> None:
        self.outcomes = outcomes if outcomes is not None else []
        self.served_at = 0.0
        """When (monotonic) the last request began that was answered with 2xx."""
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def call(self, method: str, path: str, body: Any = None, *, user: str | None = None, **headers: str) -> Answer:
        """One request as `user`; `body` is sent as JSON. Underscores in the names of headers become hyphens."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body)
        if data is not None:
            headers["Content-Type"] = "application/json"
        if user is not None:
            headers["Authorization"] = f"Bearer {_token_of(user)}"
        began = time.monotonic()
        port = self.open()
        sent = began
        try:
            self._connection.request(method, path, data, headers)
            sent = time.monotonic()
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            self.close()
            self.outcomes.append(Outcome(BROKEN, "", began, sent, time.monotonic(), port))
            return Answer(BROKEN, {}, None)
        ended = time.monotonic()
        answer = Answer(
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            json.loads(content) if content else None,
        )
        outcome = Outcome(answer.status, answer.code, began, sent, ended, port)
        self.outcomes.append(outcome)
        if outcome.is_good:
            self.served_at = began
        if answer.status == 503:
            assert answer.headers["retry-after"] == "1", answer
            assert answer.code in ("DATABASE_UNAVAILABLE", "OVERLOADED"), answer
        if user is not None and outcome.is_good and content:
            _check_owner(answer.data["data"], user)
        return answer

    def open(self) -> int:
        """Connect unless the connection is there and open; its port on this side."""
        if self._connection.sock is not None and select.select([self._connection.sock], [], [], 0)[0]:
            self.close()
        if self._connection.sock is None:
            self._connection.connect()
        port: int = self._connection.sock.getsockname()[1]
        return port

    def close(self) -> None:
        self._connection.close()


@lru_cache(maxsize=1024)
def _token_of(user: str) -> str:
    return token_for(user)


def _check_owner(data: Any, user: str) -> None:
    for task in data if isinstance(data, list) else [data]:
        assert task["user_id"] == user, f"shown to {user}: {task}"
        assert task["title"].startswith(f"{user}/"), f"shown to {user}: {task}"


def ask_what_needs_no_database(client: Client) -> None:
    """What is answered whatever the database does."""
    assert [
        client.call("GET", "/health").status,
        client.call("GET", "/nowhere").status,
        client.call("GET", "/api/tasks").status,
        client.call("OPTIONS", "/api/tasks").status,
        client.call("GET", "/api/tasks/seven", user="bystander").status,
    ] == [200, 404, 401, 200, 422]

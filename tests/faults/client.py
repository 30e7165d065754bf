"""A client of the service on a persistent connection. It records each outcome and checks that each task is its user's.

Titles begin with the user's id, so a task in another user's list is recognized even if its `user_id` is wrong.
"""

from __future__ import annotations

import http.client
import select
import time
from functools import lru_cache
from typing import Any

from tests.faults.figures import BROKEN, Outcome
from tests.support.http import Response, encode, read
from tests.support.signing import token_for
from tests.support.waiting import WAIT_TIMEOUT


class Client:
    """Calls on one connection and reconnects if the server has closed it; several clients may share `outcomes`.

    Raises ConnectionRefusedError if nothing listens, and AssertionError for a 503 without its promised header and code
    and for a task of another user.
    """

    def __init__(self, port: int, outcomes: list[Outcome] | None = None) -> None:
        self.outcomes = outcomes if outcomes is not None else []
        self.served_at = 0.0
        """Start (monotonic) of the last request that got a 2xx."""
        self.refused_at = 0.0
        """Start of the last request that got a 503."""
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_TIMEOUT)

    def call(self, method: str, path: str, body: Any = None, *, user: str | None = None, **headers: str) -> Response:
        """One request as `user`; `body` is sent as JSON. Underscores in the names of headers become hyphens.

        The status is BROKEN if the connection ends before the response.
        """
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        data, headers = encode(body, None if user is None else _token_of(user), headers)
        began = time.monotonic()
        port = self.open()
        sent = began
        try:
            self._connection.request(method, path, data, headers)
            sent = time.monotonic()
            response = read(self._connection.getresponse())
        except (OSError, http.client.HTTPException):
            self.close()
            self.outcomes.append(Outcome(BROKEN, "", began, sent, time.monotonic(), port))
            return Response(BROKEN, {}, b"")
        outcome = Outcome(response.status, response.code, began, sent, time.monotonic(), port)
        self.outcomes.append(outcome)
        if outcome.is_good:
            self.served_at = began
        if response.status == 503:
            self.refused_at = began
            assert response.headers["retry-after"] == "1", response
            assert response.code in ("DATABASE_UNAVAILABLE", "OVERLOADED", "KEYS_UNAVAILABLE"), response
        if user is not None and outcome.is_good and response.body:
            _check_owner(response.json["data"], user)
        return response

    def open(self) -> int:
        """Connect unless connected; the local port."""
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
    """Check the responses of routes that need no database."""
    assert [
        client.call("GET", "/health").status,
        client.call("GET", "/nowhere").status,
        client.call("GET", "/api/tasks").status,
        client.call("OPTIONS", "/api/tasks").status,
        client.call("GET", "/api/tasks/seven", user="bystander").status,
    ] == [200, 404, 401, 200, 422]

"""A running service with two users, an attacker and a victim, and the checks after each attack."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import psycopg2

from tests.hostile.requests import PASSWORD, fill
from tests.support.http import Connection, Response
from tests.support.processes import Service
from tests.support.signing import SECRET, token_for

SECRET_TITLE = "a title that only its owner may read"


class World:
    """The service, a client for the attacker, and the victim's rows."""

    def __init__(self, service: Service, url: str) -> None:
        self.service = service
        self._database = psycopg2.connect(url)
        self._database.autocommit = True
        self._read = 0
        self.token = token_for("attacker")
        theirs = self._make_task(token_for("victim"), SECRET_TITLE)
        own = self._make_task(self.token, "Mine")
        self._marks = {
            b"<token>": self.token.encode(),
            b"<me>": b"attacker",
            b"<them>": b"victim",
            b"<own>": b"%d" % own,
            b"<theirs>": b"%d" % theirs,
            # These become the victim's task id if an integer wraps around.
            b"<2**32 + theirs>": b"%d" % (2**32 + theirs),
            b"<2**64 + theirs>": b"%d" % (2**64 + theirs),
            b"<2**64 - theirs>": b"%d" % (2**64 - theirs),
        }
        self._victims_rows = self.rows("victim")

    def _make_task(self, token: str, title: str) -> int:
        made = self.service.call("POST", "/api/tasks", {"title": title}, token=token)
        assert made.status == 201, made.body
        number: int = made.json["data"]["id"]
        return number

    def rows(self, user_id: str) -> list[tuple[Any, ...]]:
        with self._database.cursor() as cursor:
            cursor.execute("SELECT tasks::text FROM tasks WHERE user_id = %s ORDER BY id", (user_id,))
            return cursor.fetchall()

    def fill(self, request: bytes) -> bytes:
        """The bytes of the request on the wire."""
        return fill(request, self._marks)

    def connect(self) -> Connection:
        return Connection(self.service.port)

    def send(self, request: bytes) -> Response:
        """Send a request on a new connection and return its response."""
        with contextlib.closing(self.connect()) as connection:
            # The server may respond and close before it has read the whole request.
            with contextlib.suppress(ConnectionError):
                connection.send(self.fill(request))
            return connection.read_response(has_body=not request.startswith(b"HEAD "))

    def check(self) -> None:
        """Check that the victim's rows are unchanged and that the new log lines hold no failure and no secret."""
        assert self.rows("victim") == self._victims_rows
        new = self.service.log_file.read_bytes()[self._read :]
        # What follows the last line feed is still being written.
        log = new[: new.rfind(b"\n") + 1]
        self._read += len(log)
        assert b"Traceback" not in log, log.decode(errors="replace")
        for secret in (self.token, self.token.rsplit(".", 1)[1], SECRET, PASSWORD, SECRET_TITLE):
            assert secret.encode() not in log, log.decode(errors="replace")
        for line in log.splitlines():
            event = json.loads(line)
            assert event["level"] == "info", line
            assert event.get("status", 0) < 500, line

    def close(self) -> None:
        self._database.close()


def check_envelope(response: Response) -> None:
    """Check the error envelope of the contract."""
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"]
    assert set(response.json) == {"error"}
    assert {"code", "message"} <= set(response.json["error"]) <= {"code", "message", "details"}

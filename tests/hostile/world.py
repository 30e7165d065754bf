"""A running service with two users in it, one of whom attacks; and what must hold after whatever they send."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import psycopg2

from tests.hostile.requests import PASSWORD, fill
from tests.support.http import Connection, Response
from tests.support.processes import Service
from tests.support.signing import SECRET, token_for

TREASURE = "a title that only its owner may read"


class World:
    """The service, the attacker's way of calling it, and the other user's rows."""

    def __init__(self, service: Service, url: str) -> None:
        self.service = service
        self._database = psycopg2.connect(url)
        self._database.autocommit = True
        self._read = 0
        self.token = token_for("attacker")
        theirs = self._make_task(token_for("victim"), TREASURE)
        own = self._make_task(self.token, "Mine")
        self._marks = {
            b"<token>": self.token.encode(),
            b"<me>": b"attacker",
            b"<them>": b"victim",
            b"<own>": b"%d" % own,
            b"<theirs>": b"%d" % theirs,
            # What becomes the other user's task where an integer wraps around.
            b"<2**32 + theirs>": b"%d" % (2**32 + theirs),
            b"<2**64 + theirs>": b"%d" % (2**64 + theirs),
            b"<2**64 - theirs>": b"%d" % (2**64 - theirs),
        }
        self._treasure = self.rows("victim")

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
        """The request as it goes over the wire."""
        return fill(request, self._marks)

    def connect(self) -> Connection:
        return Connection(self.service.port)

    def send(self, request: bytes) -> Response:
        """The one answer to a request on a connection of its own."""
        with contextlib.closing(self.connect()) as connection:
            # A server that has seen enough may answer, and close, before it has everything.
            with contextlib.suppress(ConnectionError):
                connection.send(self.fill(request))
            return connection.answer(has_body=not request.startswith(b"HEAD "))

    def check(self) -> None:
        """Nothing of the other user was touched; the log since the last check tells of no failure and no secret."""
        assert self.rows("victim") == self._treasure
        log = self.service.log_file.read_bytes()[self._read :]
        self._read += len(log)
        assert b"Traceback" not in log, log.decode(errors="replace")
        for secret in (self.token, self.token.rsplit(".", 1)[1], SECRET, PASSWORD, TREASURE):
            assert secret.encode() not in log, log.decode(errors="replace")
        for line in log.splitlines():
            told = json.loads(line)
            assert told["level"] == "info", line
            assert told.get("status", 0) < 500, line

    def close(self) -> None:
        self._database.close()


def check_envelope(answer: Response) -> None:
    """An error as the contract has it."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    assert set(answer.json) == {"error"}
    assert {"code", "message"} <= set(answer.json["error"]) <= {"code", "message", "details"}

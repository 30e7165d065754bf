"""Long lists over sockets: read slowly, not at all, by HTTP/1.0, and while the database fails."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from tests.fairness.crowd import MIB, fill, memory
from tests.support.http import Connection
from tests.support.processes import Service, running
from tests.support.signing import SECRET, token_for
from tests.support.waiting import wait_until

TASKS = 3_000
"""30 MB, far more than the sockets of a connection hold."""


@pytest.fixture
def worker(database: object, database_url: str, tmp_path: Path) -> Iterator[Service]:
    """A service of one worker with one connection to the database."""
    settings = {"BETTER_AUTH_SECRET": SECRET, "WORKERS": "1", "POOL_SIZE": "1", "TMPDIR": str(tmp_path)}
    # Long enough for a busy machine; two tests wait for it.
    settings["STATEMENT_TIMEOUT"] = "3"
    with running(tmp_path / "log", DATABASE_URL=database_url, **settings) as service:
        fill(database_url, "heavy", TASKS)
        yield service


def ask(service: Service, version: str = "1.1") -> Connection:
    """Send a request for the whole list, and read nothing."""
    connection = Connection(service.port)
    # A small buffer: the server soon has to wait for this client.
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    token = token_for("heavy")
    request = f"GET /api/tasks HTTP/{version}\r\nHost: test\r\nAuthorization: Bearer {token}\r\n\r\n"
    connection.send(request.encode())
    return connection


@contextlib.contextmanager
def locked(url: str) -> Iterator[None]:
    """Within this block no statement can read the tasks."""
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.cursor().execute("LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE")
        yield


def test_a_client_that_reads_nothing_holds_no_connection_no_file_and_a_piece_of_memory(
    worker: Service, tmp_path: Path
) -> None:
    token = token_for("other")
    path = worker.call("POST", "/api/tasks", {"title": "Buy milk"}, token=token).headers["location"]
    with contextlib.closing(ask(worker)) as warm:
        warm.socket.recv(1)
    before = memory(worker)
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(contextlib.closing(ask(worker))) for _ in range(3)]
        for connection in connections:
            # The first byte has come, so the list has begun; the request before it has had its turn too.
            connection.socket.recv(1)
        for _ in range(20):
            assert worker.call("GET", path, token=token).status == 200
        assert memory(worker) - before < 16 * MIB
        assert [each.name for each in tmp_path.iterdir()] == ["log"]


def test_a_slow_client_gets_the_whole_list(worker: Service) -> None:
    with contextlib.closing(ask(worker)) as connection:
        received = bytearray()
        while not received.endswith(b"\r\n0\r\n\r\n"):
            piece = connection.socket.recv(256 * 1024)
            assert piece, "the connection ended before the list"
            received += piece
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head.lower()
    assert len(json.loads(join_chunks(body))["data"]) == TASKS


def join_chunks(body: bytes) -> bytes:
    """The content of a body in the transfer coding chunked."""
    content, at = bytearray(), 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end], 16)
        if not size:
            return bytes(content)
        content += body[end + 2 : end + 2 + size]
        at = end + 4 + size


def test_a_client_of_http_1_0_gets_the_whole_list_until_the_connection_ends(worker: Service) -> None:
    with contextlib.closing(ask(worker, "1.0")) as connection:
        head, _, body = connection.rest().partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert b"content-length" not in head.lower()
    assert len(json.loads(body)["data"]) == TASKS


def test_a_failure_of_the_database_ends_the_connection_without_the_last_chunk(
    worker: Service, database_url: str
) -> None:
    with contextlib.closing(ask(worker)) as connection:
        connection.socket.recv(1)
        with locked(database_url):
            assert not connection.rest().endswith(b"0\r\n\r\n")
            wait_until(lambda: "the application failed at /api/tasks" in worker.output, "the failure in the log")
    assert worker.call("GET", "/api/tasks?limit=1", token=token_for("heavy")).status == 200


def test_a_failure_of_the_database_resets_a_connection_of_http_1_0(worker: Service, database_url: str) -> None:
    with contextlib.closing(ask(worker, "1.0")) as connection:
        connection.socket.recv(1)
        with locked(database_url), pytest.raises(ConnectionResetError):
            connection.rest()

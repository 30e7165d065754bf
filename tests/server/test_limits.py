"""Limits on the size of a request, on slow clients and on the number of connections."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import threading
import time
from pathlib import Path

import pytest

from tests.server.process import WAIT_TIMEOUT, Connection, Process, Start, wait_until

MIB = 1024 * 1024
SPARE_THREADS = 4
"""Those of the server, which serve while all others are busy."""
HEAD = b"POST /echo HTTP/1.1\r\nHost: test\r\n"
LIMITS = ("HEAD_TIMEOUT", "REQUEST_TIMEOUT", "IDLE_TIMEOUT", "SEND_TIMEOUT", "LINGER_TIMEOUT")
GET = b"GET /echo HTTP/1.1\r\nHost: test\r\n\r\n"


class TestBodies:
    def test_of_4_mib_pass_as_they_are(self, connection: Connection) -> None:
        body = b"".join(b"%08d" % number for number in range(MIB // 2))
        connection.send(HEAD + b"Content-Length: %d\r\n\r\n" % (4 * MIB) + body)
        # Apart from the assertion, for pytest would explain the difference of 4 MiB.
        is_same = connection.read_response().json["body"] == body.decode()
        assert is_same

    @pytest.mark.parametrize("length", [b"4194305", b"9" * 19, b"9" * 5000])
    def test_over_4_mib_are_rejected_before_they_are_read(self, connection: Connection, length: bytes) -> None:
        connection.send(HEAD + b"Content-Length: " + length + b"\r\nExpect: 100-continue\r\n\r\n")
        response = connection.read_response()
        assert response.status == 413
        assert response.json["error"]["code"] == "PAYLOAD_TOO_LARGE"
        assert connection.rest() == b""

    def test_over_4_mib_in_chunks_are_rejected(self, connection: Connection) -> None:
        connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(80):
                connection.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        response = connection.read_response()
        assert response.status == 413
        assert response.json["error"]["code"] == "PAYLOAD_TOO_LARGE"

    def test_that_are_rejected_while_being_sent_still_get_a_response(self, connection: Connection) -> None:
        connection.send(HEAD + b"Content-Length: %d\r\n\r\n" % (8 * MIB))
        for _ in range(8):
            connection.send(b"x" * MIB)
        assert connection.read_response().status == 413


class TestHeaders:
    def test_of_60_kb_pass(self, connection: Connection) -> None:
        connection.send(b"GET /echo HTTP/1.1\r\nHost: test\r\nX-Long: " + b"x" * 60_000 + b"\r\n\r\n")
        assert connection.read_response().status == 200

    @pytest.mark.parametrize(
        "lines",
        [
            b"X-Long: " + b"x" * 1_000_000,
            b"\r\n".join(b"X-Many: %d" % n for n in range(200)),
            b"\r\n".join(b"X-Many-%d: x" % n for n in range(10_000)),
        ],
        ids=["one_of_a_million_bytes", "200", "10_000"],
    )
    def test_too_large_or_too_many_are_rejected(self, connection: Connection, lines: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            connection.send(b"GET /echo HTTP/1.1\r\nHost: test\r\n" + lines + b"\r\n\r\n")
        response = connection.read_response()
        assert response.status == 431
        assert response.json["error"]["code"] == "HEADERS_TOO_LARGE"
        assert connection.rest() == b""

    def test_a_query_of_100_kb_is_rejected(self, connection: Connection) -> None:
        connection.send(b"GET /echo?q=" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: test\r\n\r\n")
        assert connection.read_response().status == 431


class TestSlowClients:
    def start(self, start: Start, **limits: float) -> Process:
        """A server with these limits; the others are far above WAIT_TIMEOUT."""
        return start(threads=1, **{**dict.fromkeys(LIMITS, 600), **limits})

    def send_slowly(self, connection: Connection, first: bytes, repeated: bytes) -> None:
        """Send `first`, then `repeated` again and again until the server closes the connection."""
        connection.send(first)

        def is_ended() -> bool:
            with contextlib.suppress(ConnectionError):
                connection.send(repeated)
            return connection.is_closed()

        wait_until(is_ended, "the end of the connection")

    def test_a_slowly_sent_head_is_cut_off(self, start: Start) -> None:
        process = self.start(start, HEAD_TIMEOUT=1)
        self.send_slowly(process.connect(), b"GET /echo HTTP/1.1\r\nX-Slow: ", b"x")

    def test_a_slowly_sent_body_is_cut_off(self, start: Start) -> None:
        process = self.start(start, REQUEST_TIMEOUT=1)
        self.send_slowly(process.connect(), HEAD + b"Content-Length: 1000000\r\n\r\n", b"x")

    @pytest.mark.parametrize(("first", "repeated"), [(b"\r\n", b"\r\n\r\n"), (b"\r", b"\n\r")])
    def test_a_connection_that_sends_only_line_ends_is_cut_off(
        self, start: Start, first: bytes, repeated: bytes
    ) -> None:
        process = self.start(start, IDLE_TIMEOUT=1)
        self.send_slowly(process.connect(), first, repeated)

    def test_an_idle_connection_is_closed(self, start: Start) -> None:
        process = self.start(start, IDLE_TIMEOUT=1)
        with process.paused():
            connection = process.connect()
            connection.send(GET)
        assert connection.read_response().status == 200
        wait_until(connection.is_closed, "the end of the connection")

    def test_a_client_that_reads_no_response_is_cut_off(self, start: Start) -> None:
        process = self.start(start, SEND_TIMEOUT=1)
        connection = process.connect()
        connection.send(b"GET /big?size=50000000 HTTP/1.1\r\nHost: test\r\n\r\n" * 3)
        assert connection.socket.recv(1, socket.MSG_PEEK)
        wait_until(lambda: not process.connections(), "the end of the connection")

    def test_a_client_that_reads_only_the_beginning_of_a_response_is_cut_off(self, start: Start) -> None:
        process = self.start(start, SEND_TIMEOUT=1)
        connection = process.connect()
        connection.send(b"GET /big?size=8000000 HTTP/1.1\r\nHost: test\r\n\r\n")
        assert connection.socket.recv(100)
        wait_until(lambda: not process.connections(), "the end of the connection")

    def test_a_client_that_reads_a_response_slowly_is_served(self, start: Start) -> None:
        connection = self.start(start, SEND_TIMEOUT=3).connect()
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.send(b"GET /big?size=12000000 HTTP/1.1\r\nHost: test\r\n\r\n")
        # More than SEND_TIMEOUT and the second between two looks at it, but never so long without reading.
        for _ in range(10):
            time.sleep(0.45)
            self.read(connection, 1_000_000)
        self.read(connection, 2_000_000)

    def read(self, connection: Connection, size: int) -> None:
        while size > 0:
            piece = connection.socket.recv(min(size, 65536))
            assert piece, "the connection ended"
            size -= len(piece)

    def test_a_client_that_does_not_close_after_the_last_response_is_cut_off(self, start: Start) -> None:
        process = self.start(start, LINGER_TIMEOUT=1)
        connection = process.connect()
        connection.send(b"GET /echo HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        assert connection.read_response().status == 200
        wait_until(lambda: not process.connections(), "the end of the connection")

    def test_many_slow_clients_hold_no_thread(self, start: Start) -> None:
        process = self.start(start)
        slow = [process.connect() for _ in range(200)]
        for number, connection in enumerate(slow):
            connection.send(HEAD[: number % len(HEAD)])
        assert process.get("/echo").status == 200


def test_3_000_connections_are_served_at_once(start: Start) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4000:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("the open-file limit (ulimit -Hn) must be 4000 or more")
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        process = start(workers=2, threads=2, YIELD_DELAY=0.02)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        connections = [process.connect() for _ in range(3000)]
        for _ in range(2):
            for connection in connections:
                connection.send(GET)
            pids = [connection.read_response().json["pid"] for connection in connections]
        for connection in connections:
            connection.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert sorted(pids.count(pid) > 1000 for pid in set(pids)) == [True, True]


def test_beyond_the_limit_connections_wait_until_others_end(start: Start) -> None:
    process = start(MAX_CONNECTIONS=10, CROWDED_IDLE_TIMEOUT=60)
    connections = [process.connect() for _ in range(10)]
    for connection in connections:
        connection.get("/echo")
    late = process.connect()
    late.send(GET)
    late.socket.settimeout(0.5)
    with pytest.raises(TimeoutError):
        late.read_response()
    connections[0].close()
    late.socket.settimeout(WAIT_TIMEOUT)
    assert late.read_response().status == 200


def test_beyond_the_limit_idle_connections_are_closed(start: Start) -> None:
    process = start(MAX_CONNECTIONS=10, CROWDED_IDLE_TIMEOUT=0.1)
    with process.paused():
        connections = [process.connect() for _ in range(11)]
        for connection in connections:
            connection.send(GET)
    assert [connection.read_response().status for connection in connections] == [200] * 11


def test_a_request_that_waits_for_a_thread_is_not_taken_for_an_idle_connection(start: Start, tmp_path: Path) -> None:
    threads = 1 + SPARE_THREADS
    process = start(threads=1, IDLE_TIMEOUT=0.2)
    with process.paused():
        connections = [process.connect() for _ in range(threads + 1)]
        for number, connection in enumerate(connections[:-1]):
            path = f"/wait?touch={tmp_path / str(number)}&file={tmp_path / 'go'}"
            connection.send(b"GET %s HTTP/1.1\r\nHost: test\r\n\r\n" % path.encode())
        connections[-1].send(GET)
    wait_until(lambda: all((tmp_path / str(number)).exists() for number in range(threads)), "all threads to be busy")
    # The server looks for idle connections once a second.
    time.sleep(1.5)
    (tmp_path / "go").touch()
    assert [connection.read_response().status for connection in connections] == [200] * (threads + 1)


@pytest.mark.parametrize(("workers", "clients"), [(1, 24), (2, 120)])
def test_a_burst_of_connections_is_accepted_before_the_first_are_served_repeatedly(
    start: Start, workers: int, clients: int
) -> None:
    process = start(workers=workers, threads=1)
    responses = [0] * clients
    most_before_the_last = []
    request = b"GET /wait?seconds=0.005 HTTP/1.1\r\nHost: test\r\n\r\n"
    with process.paused():
        connections = [process.connect() for _ in range(clients)]
        for connection in connections:
            connection.send(request)

    def call(number: int) -> None:
        while not all(responses):
            assert connections[number].read_response().status == 200
            responses[number] += 1
            if all(responses):
                most_before_the_last.append(max(responses))
            connections[number].send(request)

    callers = [threading.Thread(target=call, args=(number,), daemon=True) for number in range(clients)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(WAIT_TIMEOUT)
    # If a worker accepted between its requests, the first clients would have got a response in each turn of theirs.
    assert min(most_before_the_last) <= 3

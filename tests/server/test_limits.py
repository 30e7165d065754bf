"""A request's size, a client's slowness and the number of connections are bounded; who keeps within is served."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import threading
import time

import pytest

from tests.server.process import Connection, Process, Start, wait_until

MIB = 1024 * 1024
HEAD = b"POST /echo HTTP/1.1\r\nHost: test\r\n"


class TestBodies:
    def test_of_4_mib_pass(self, connection: Connection) -> None:
        connection.send(HEAD + b"Content-Length: %d\r\n\r\n" % (4 * MIB) + b"x" * (4 * MIB))
        assert len(connection.answer().json["body"]) == 4 * MIB

    @pytest.mark.parametrize("length", [b"4194305", b"9" * 19, b"9" * 5000])
    def test_over_4_mib_are_refused_before_they_come(self, connection: Connection, length: bytes) -> None:
        connection.send(HEAD + b"Content-Length: " + length + b"\r\nExpect: 100-continue\r\n\r\n")
        answer = connection.answer()
        assert answer.status == 413
        assert answer.json["error"]["code"] == "PAYLOAD_TOO_LARGE"
        assert connection.rest() == b""

    def test_over_4_mib_in_chunks_are_refused(self, connection: Connection) -> None:
        connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(80):
                connection.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        answer = connection.answer()
        assert answer.status == 413
        assert answer.json["error"]["code"] == "PAYLOAD_TOO_LARGE"

    def test_refused_while_the_client_sends_are_answered_all_the_same(self, connection: Connection) -> None:
        connection.send(HEAD + b"Content-Length: %d\r\n\r\n" % (8 * MIB))
        for _ in range(8):
            connection.send(b"x" * MIB)
        assert connection.answer().status == 413


class TestHeaders:
    def test_of_60_kb_pass(self, connection: Connection) -> None:
        connection.send(b"GET /echo HTTP/1.1\r\nHost: test\r\nX-Long: " + b"x" * 60_000 + b"\r\n\r\n")
        assert connection.answer().status == 200

    @pytest.mark.parametrize(
        "lines",
        [
            b"X-Long: " + b"x" * 1_000_000,
            b"\r\n".join(b"X-Many: %d" % n for n in range(200)),
            b"\r\n".join(b"X-Many-%d: x" % n for n in range(10_000)),
        ],
        ids=["one_of_a_million_bytes", "200", "10_000"],
    )
    def test_too_large_or_too_many_are_refused(self, connection: Connection, lines: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            connection.send(b"GET /echo HTTP/1.1\r\nHost: test\r\n" + lines + b"\r\n\r\n")
        answer = connection.answer()
        assert answer.status == 431
        assert answer.json["error"]["code"] == "HEADERS_TOO_LARGE"
        assert connection.rest() == b""

    def test_a_query_of_100_kb_is_refused(self, connection: Connection) -> None:
        connection.send(b"GET /echo?q=" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: test\r\n\r\n")
        assert connection.answer().status == 431


class TestSlowClients:
    @pytest.fixture
    def hasty(self, start: Start) -> Process:
        return start(threads=1, HEAD_TIMEOUT=1, REQUEST_TIMEOUT=2, IDLE_TIMEOUT=1, SEND_TIMEOUT=1, LINGER_TIMEOUT=1)

    def dribble(self, connection: Connection, first: bytes, crumb: bytes) -> float:
        """Seconds until the server has had enough."""
        began = time.monotonic()
        connection.send(first)

        def is_ended() -> bool:
            with contextlib.suppress(ConnectionError):
                connection.send(crumb)
            return connection.is_closed()

        wait_until(is_ended, "the end of the connection")
        return time.monotonic() - began

    def test_a_head_in_crumbs_is_cut_off(self, hasty: Process) -> None:
        assert self.dribble(hasty.connect(), b"GET /echo HTTP/1.1\r\nX-Slow: ", b"x") < 5

    def test_a_body_in_crumbs_is_cut_off(self, hasty: Process) -> None:
        assert self.dribble(hasty.connect(), HEAD + b"Content-Length: 1000000\r\n\r\n", b"x") < 5

    def test_a_connection_that_sends_only_blank_lines_is_cut_off(self, hasty: Process) -> None:
        assert self.dribble(hasty.connect(), b"\r\n", b"\r\n\r\n") < 5

    def test_an_idle_connection_is_closed(self, hasty: Process) -> None:
        connection = hasty.connect()
        connection.get("/echo")
        wait_until(connection.is_closed, "the end of the connection")

    def test_a_client_that_takes_no_answer_is_cut_off(self, hasty: Process) -> None:
        connection = hasty.connect()
        connection.send(b"GET /big?size=50000000 HTTP/1.1\r\nHost: test\r\n\r\n" * 3)
        wait_until(hasty.connections, "the connection")
        wait_until(lambda: not hasty.connections(), "the end of the connection")

    def test_a_client_that_takes_only_the_beginning_of_an_answer_is_cut_off(self, hasty: Process) -> None:
        connection = hasty.connect()
        connection.send(b"GET /big?size=8000000 HTTP/1.1\r\nHost: test\r\n\r\n")
        assert connection.socket.recv(100)
        wait_until(lambda: not hasty.connections(), "the end of the connection")

    def test_a_client_that_takes_an_answer_slowly_is_served(self, hasty: Process) -> None:
        connection = hasty.connect()
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.send(b"GET /big?size=12000000 HTTP/1.1\r\nHost: test\r\n\r\n")
        received = 0
        for _ in range(6):
            time.sleep(0.5)
            wanted = received + 1_500_000
            while received < wanted:
                received += len(connection.socket.recv(65536))
        connection.socket.settimeout(5)
        while received < 12_000_000:
            received += len(connection.socket.recv(65536))

    def test_a_connection_that_sends_single_line_ends_is_cut_off(self, hasty: Process) -> None:
        assert self.dribble(hasty.connect(), b"\r", b"\n\r") < 5

    def test_a_client_that_does_not_close_after_the_last_answer_is_cut_off(self, hasty: Process) -> None:
        connection = hasty.connect()
        connection.send(b"GET /echo HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        assert connection.answer().status == 200
        wait_until(lambda: not hasty.connections(), "the end of the connection")

    def test_many_of_them_hold_no_thread(self, hasty: Process) -> None:
        slow = [hasty.connect() for _ in range(200)]
        for number, connection in enumerate(slow):
            connection.send(HEAD[: number % len(HEAD)])
        assert hasty.get("/echo").status == 200


def test_3_000_connections_are_served_at_once(start: Start) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4000:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("the open-file limit (ulimit -Hn) must be 4000 or more")
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        process = start(workers=2, threads=2)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        connections = [process.connect() for _ in range(3000)]
        for _ in range(2):
            for connection in connections:
                connection.send(b"GET /echo HTTP/1.1\r\nHost: test\r\n\r\n")
            pids = [connection.answer().json["pid"] for connection in connections]
        for connection in connections:
            connection.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert {pids.count(pid) > 1000 for pid in set(pids)} == {True}


def test_past_the_limit_connections_wait_until_others_end(start: Start) -> None:
    process = start(MAX_CONNECTIONS=10, CROWDED_IDLE_TIMEOUT=60)
    connections = [process.connect() for _ in range(10)]
    for connection in connections:
        connection.get("/echo")
    late = process.connect()
    late.send(b"GET /echo HTTP/1.1\r\nHost: test\r\n\r\n")
    late.socket.settimeout(0.5)
    with pytest.raises(TimeoutError):
        late.answer()
    connections[0].close()
    late.socket.settimeout(5)
    assert late.answer().status == 200


def test_past_the_limit_idle_connections_make_room(start: Start) -> None:
    process = start(MAX_CONNECTIONS=10, CROWDED_IDLE_TIMEOUT=0.1)
    for _ in range(10):
        process.connect().get("/echo")
    assert process.get("/echo").status == 200


def test_the_last_of_a_burst_is_let_in_before_the_first_are_served_again_and_again(start: Start) -> None:
    clients = 24
    process = start(threads=1)
    answers = [0] * clients
    most_before_the_last = []
    together = threading.Barrier(clients, timeout=20)

    def call(number: int) -> None:
        together.wait()
        with contextlib.closing(Connection(process.port)) as connection:
            while not all(answers):
                assert connection.get("/wait?seconds=0.005").status == 200
                answers[number] += 1
                if all(answers):
                    most_before_the_last.append(max(answers))

    callers = [threading.Thread(target=call, args=(number,)) for number in range(clients)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(30)
    # Let in one a turn, the first of them would have had some twenty by then.
    assert min(most_before_the_last) < clients // 2

"""SIGTERM: no new connection is accepted, every started request is served, and then the process exits with 0."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from api.server import stops
from api.server.listener import reject_new_connections
from tests.server.process import Connection, Process, Start, wait_until

WORKERS = pytest.mark.parametrize("workers", [1, 2])


def is_refused(process: Process) -> bool:
    try:
        Connection(process.port).close()
    except ConnectionResetError:
        # The kernel accepted it just as the listener closed. It is not served; connect again.
        return False
    except ConnectionRefusedError:
        return True
    return False


def test_new_connections_are_rejected_and_queued_ones_are_served() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        with socket.create_connection(address) as early:
            reject_new_connections(listener)
            with pytest.raises(TimeoutError):
                socket.create_connection(address, timeout=0.3)
            accepted, _ = listener.accept()
            with accepted:
                early.sendall(b"request")
                assert accepted.recv(100) == b"request"


def test_a_repeat_of_a_signal_comes_within_a_second() -> None:
    assert stops.REPEAT_WINDOW == 1.0


class TestAStop:
    @WORKERS
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_of_an_idle_server_is_clean_and_quick(self, start: Start, workers: int, number: int) -> None:
        process = start(workers=workers, shutdown_timeout=600)
        idle = process.connect()
        idle.get("/echo")
        process.send_signal(number)
        # By itself the server would keep the connection for more than a minute.
        assert process.exit_status() == 0
        wait_until(idle.is_closed, "the end of the connection")

    @WORKERS
    def test_refuses_new_connections_at_once(self, start: Start, tmp_path: Path, workers: int) -> None:
        process = start(workers=workers)
        working = self.begin(process, tmp_path)
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: is_refused(process), "new connections to be refused")
        (tmp_path / "go").touch()
        assert working.read_response().status == 200
        assert process.exit_status() == 0

    def begin(self, process: Process, tmp_path: Path, name: str = "begun") -> Connection:
        """A connection with a request in progress until the file `go` exists."""
        connection = process.connect()
        path = f"/wait?touch={tmp_path / name}&file={tmp_path / 'go'}"
        connection.send(b"GET %s HTTP/1.1\r\nHost: test\r\n\r\n" % path.encode())
        wait_until((tmp_path / name).exists, "the request to reach the application")
        return connection

    def test_finishes_running_queued_and_pipelined_requests(self, start: Start, tmp_path: Path) -> None:
        process = start(threads=1)
        working = self.begin(process, tmp_path)
        working.send(b"GET /echo/second HTTP/1.1\r\nHost: test\r\n\r\n" * 2)
        queued = [process.connect() for _ in range(50)]
        for connection in queued:
            connection.send(b"GET /echo HTTP/1.1\r\nHost: test\r\n\r\n" * 2)
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in process.log(), "the stop")
        (tmp_path / "go").touch()
        assert working.read_response().status == 200
        for connection in queued:
            assert "connection" not in connection.read_response().headers
            assert connection.read_response().headers["connection"] == "close"
            assert connection.rest() == b""
        assert process.exit_status() == 0

    def test_serves_a_request_that_has_arrived_in_part(self, start: Start) -> None:
        process = start()
        head, body = process.connect(), process.connect()
        head.send(b"GET /echo HT")
        body.send(b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhe")
        idle = process.connect()
        idle.get("/echo")
        process.send_signal(signal.SIGTERM)
        wait_until(idle.is_closed, "idle connections to be closed")
        head.send(b"TP/1.1\r\nHost: test\r\n\r\n")
        body.send(b"llo")
        assert head.read_response().headers["connection"] == "close"
        assert body.read_response().json["body"] == "hello"
        assert process.exit_status() == 0

    def test_serves_connections_that_were_not_yet_accepted(self, start: Start, tmp_path: Path) -> None:
        process = start(threads=1)
        working = self.begin(process, tmp_path)
        process.send_signal(signal.SIGSTOP)
        late = [process.connect() for _ in range(20)]
        for connection in late:
            connection.send(b"GET /echo HTTP/1.1\r\nHost: test\r\n\r\n")
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        wait_until(lambda: "stopping" in process.log(), "the stop")
        (tmp_path / "go").touch()
        for connection in (working, *late):
            assert connection.read_response().status == 200
        assert process.exit_status() == 0

    def test_sends_a_large_response_to_its_end(self, start: Start) -> None:
        process = start()
        connection = process.connect()
        connection.send(b"GET /big?size=30000000 HTTP/1.1\r\nHost: test\r\n\r\n")
        connection.socket.recv(1)
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in process.log(), "the stop")
        assert len(connection.rest()) > 30_000_000
        assert process.exit_status() == 0

    def test_sends_a_stream_to_its_end(self, start: Start) -> None:
        process = start()
        connection = process.connect()
        connection.send(b"GET /stream?pieces=30&size=1000000 HTTP/1.1\r\nHost: test\r\n\r\n")
        connection.socket.recv(1)
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in process.log(), "the stop")
        assert connection.rest().endswith(b"\r\n0\r\n\r\n")
        assert process.exit_status() == 0

    def test_loses_no_response_under_load(self, start: Start) -> None:
        process = start(workers=2, threads=2)
        connections = [process.connect() for _ in range(200)]
        for connection in connections:
            assert connection.get("/echo").status == 200
        for connection in connections:
            connection.send(b"GET /wait?seconds=0.01 HTTP/1.1\r\nHost: test\r\n\r\n")
        process.send_signal(signal.SIGTERM)
        assert [connection.read_response().status for connection in connections] == [200] * 200
        assert process.exit_status() == 0

    @WORKERS
    def test_gives_up_after_the_timeout(self, start: Start, tmp_path: Path, workers: int) -> None:
        process = start(workers=workers, shutdown_timeout=0.5, GRACE=60)
        self.begin(process, tmp_path)
        process.send_signal(signal.SIGTERM)
        assert process.exit_status() == 1
        assert "stopped with 1 requests unfinished" in process.log()

    def test_with_a_client_that_never_finishes_its_request_exits_with_0(self, start: Start) -> None:
        process = start(shutdown_timeout=0.5)
        process.connect().send(b"GET /echo HT")
        process.send_signal(signal.SIGTERM)
        assert process.exit_status() == 0

    @WORKERS
    def test_ends_at_once_on_a_second_signal(self, start: Start, tmp_path: Path, workers: int) -> None:
        process = start(workers=workers, shutdown_timeout=600, REPEAT_WINDOW=0.2)
        self.begin(process, tmp_path)
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in process.log(), "the stop")
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        assert process.exit_status() == 1

    @WORKERS
    def test_takes_a_repeat_within_a_short_time_for_the_same_signal(
        self, start: Start, tmp_path: Path, workers: int
    ) -> None:
        process = start(workers=workers, shutdown_timeout=600, REPEAT_WINDOW=600)
        working = self.begin(process, tmp_path)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.003)
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in process.log(), "the stop")
        process.send_signal(signal.SIGINT)
        (tmp_path / "go").touch()
        assert working.read_response().status == 200
        assert process.exit_status() == 0

    @WORKERS
    def test_is_not_caused_by_sighup(self, start: Start, workers: int) -> None:
        process = start(workers=workers)
        for pid in (process.pid, *process.children()):
            os.kill(pid, signal.SIGHUP)
        assert process.get("/echo").status == 200
        process.send_signal(signal.SIGTERM)
        assert process.exit_status() == 0

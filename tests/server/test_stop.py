"""SIGTERM: nobody new is let in, all that has begun is answered, and then the process ends with 0."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from api.server.listener import reject_new_connections
from tests.server.process import Connection, Process, Start, wait_until

WORKERS = pytest.mark.parametrize("workers", [1, 2])


def is_refused(process: Process) -> bool:
    try:
        Connection(process.port).close()
    except ConnectionResetError:
        # Let in by the kernel in the very moment that the listener closed: not served either, but ask again.
        return False
    except ConnectionRefusedError:
        return True
    return False


def test_behind_the_last_accept_nobody_is_let_in_and_who_was_is_served() -> None:
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


class TestAStop:
    @WORKERS
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_of_an_idle_server_is_clean_and_quick(self, start: Start, workers: int, number: int) -> None:
        process = start(workers=workers)
        idle = process.connect()
        idle.get("/echo")
        began = time.monotonic()
        process.send_signal(number)
        assert process.exit_status() == 0
        assert time.monotonic() - began < 5
        assert idle.is_closed()

    @WORKERS
    def test_turns_new_connections_away_at_once(self, start: Start, tmp_path: Path, workers: int) -> None:
        process = start(workers=workers)
        working = self.begin(process, tmp_path)
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: is_refused(process), "new connections to be refused")
        (tmp_path / "go").touch()
        assert working.answer().status == 200
        assert process.exit_status() == 0

    def begin(self, process: Process, tmp_path: Path, name: str = "begun") -> Connection:
        """A connection whose request is being worked at until the file `go` is there."""
        connection = process.connect()
        path = f"/wait?touch={tmp_path / name}&file={tmp_path / 'go'}"
        connection.send(b"GET %s HTTP/1.1\r\nHost: test\r\n\r\n" % path.encode())
        wait_until((tmp_path / name).exists, "the request to reach the application")
        return connection

    def test_finishes_what_is_worked_at_queued_and_pipelined(self, start: Start, tmp_path: Path) -> None:
        process = start(threads=1)
        working = self.begin(process, tmp_path)
        working.send(b"GET /echo/second HTTP/1.1\r\nHost: test\r\n\r\n" * 2)
        queued = [process.connect() for _ in range(50)]
        for connection in queued:
            connection.send(b"GET /echo HTTP/1.1\r\nHost: test\r\n\r\n" * 2)
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in process.log(), "the stop")
        (tmp_path / "go").touch()
        assert working.answer().status == 200
        for connection in queued:
            assert "connection" not in connection.answer().headers
            assert connection.answer().headers["connection"] == "close"
            assert connection.rest() == b""
        assert process.exit_status() == 0

    def test_answers_a_request_whose_bytes_had_begun_to_come(self, start: Start) -> None:
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
        assert head.answer().headers["connection"] == "close"
        assert body.answer().json["body"] == "hello"
        assert process.exit_status() == 0

    def test_answers_who_had_connected_but_was_not_accepted_yet(self, start: Start, tmp_path: Path) -> None:
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
            assert connection.answer().status == 200
        assert process.exit_status() == 0

    def test_sends_a_large_answer_to_its_end(self, start: Start) -> None:
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

    def test_loses_no_answer_under_load(self, start: Start) -> None:
        process = start(workers=2, threads=2)
        connections = [process.connect() for _ in range(200)]
        for connection in connections:
            assert connection.get("/echo").status == 200
        for connection in connections:
            connection.send(b"GET /wait?seconds=0.01 HTTP/1.1\r\nHost: test\r\n\r\n")
        process.send_signal(signal.SIGTERM)
        assert [connection.answer().status for connection in connections] == [200] * 200
        assert process.exit_status() == 0

    @WORKERS
    def test_gives_up_after_the_timeout(self, start: Start, tmp_path: Path, workers: int) -> None:
        process = start(workers=workers, shutdown_timeout=0.5)
        self.begin(process, tmp_path)
        process.send_signal(signal.SIGTERM)
        assert process.exit_status() == 1
        assert "stopped with 1 requests unfinished" in process.log()

    def test_a_client_that_never_finishes_its_request_is_no_failure(self, start: Start) -> None:
        process = start(shutdown_timeout=0.5)
        process.connect().send(b"GET /echo HT")
        process.send_signal(signal.SIGTERM)
        assert process.exit_status() == 0

    @WORKERS
    def test_a_second_signal_ends_it_at_once(self, start: Start, tmp_path: Path, workers: int) -> None:
        process = start(workers=workers, shutdown_timeout=60)
        self.begin(process, tmp_path)
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in process.log(), "the stop")
        process.send_signal(signal.SIGTERM)
        assert process.exit_status() == 1

    @WORKERS
    def test_a_hang_up_is_not_one(self, start: Start, workers: int) -> None:
        process = start(workers=workers)
        for pid in (process.pid, *process.children()):
            os.kill(pid, signal.SIGHUP)
        assert process.get("/echo").status == 200
        process.send_signal(signal.SIGTERM)
        assert process.exit_status() == 0

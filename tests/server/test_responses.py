"""PEP 3333 and the framing of responses: a faulty application breaks at most its own connection."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.server.process import Connection, Process, Start, wait_until


def build_request(path: str, *, method: str = "GET", version: str = "1.1", close: bool = False) -> bytes:
    lines = [f"{method} {path} HTTP/{version}", "Host: test", *(["Connection: close"] if close else []), "", ""]
    return "\r\n".join(lines).encode()


def whole(connection: Connection, path: str) -> bytes:
    """All bytes received for one request that closes the connection."""
    connection.send(build_request(path, close=True))
    return connection.rest()


class TestStartResponse:
    def test_returns_a_callable_whose_pieces_are_sent_first(self, connection: Connection) -> None:
        body = whole(connection, "/written").partition(b"\r\n\r\n")[2]
        assert body == b"4\r\none \r\n4\r\ntwo \r\n5\r\nthree\r\n0\r\n\r\n"

    def test_may_be_called_again_with_an_exception(self, connection: Connection) -> None:
        response = connection.get("/replaced")
        assert (response.status, response.body) == (418, b"replaced")
        assert response.headers["content-length"] == "8"
        assert "x-second" in response.headers
        assert "x-first" not in response.headers

    def test_may_be_called_again_until_something_is_sent(self, connection: Connection) -> None:
        response = connection.get("/replaced_after_nothing")
        assert (response.status, response.body) == (418, b"replaced")

    def test_may_be_called_by_the_first_step_of_the_iterable(self, connection: Connection) -> None:
        assert whole(connection, "/started_late").endswith(b"\r\n\r\n4\r\nlate\r\n0\r\n\r\n")

    @pytest.mark.parametrize(
        "path",
        [
            "/started_twice",
            "/not_started",
            "/without_iterable",
            "/hop_by_hop",
            "/split_header",
            "/split_status",
            "/negative_length",
        ],
    )
    def test_that_is_misused_is_a_500(self, connection: Connection, path: str) -> None:
        response = connection.get(path)
        assert (response.status, response.json["error"]["code"]) == (500, "INTERNAL_ERROR")
        assert "x-injected" not in response.headers
        assert connection.rest() == b""

    def test_keeps_the_names_and_the_order_of_the_headers(self, connection: Connection) -> None:
        head = whole(connection, "/spelled").partition(b"\r\n\r\n")[0].decode("latin-1")
        assert head.startswith(
            "HTTP/1.1 299 In-house\r\nset-COOKIE: b=1\r\nX-aBc: é\r\nset-COOKIE: a=2\r\ndate: today\r\n"
        )
        assert "Date: " not in head


class TestFraming:
    @pytest.mark.parametrize(
        "path",
        ["/nothing", "/not_modified", "/empty", "/one_piece", "/too_long", "/stream?pieces=3", "/stream?pieces=0"],
    )
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_keeps_the_connection(self, connection: Connection, method: str, path: str) -> None:
        connection.send(build_request(path, method=method) + build_request("/one_piece", close=True))
        first, _, second = connection.rest().rpartition(b"HTTP/1.1 200 OK\r\n")
        assert first.startswith(b"HTTP/1.1 ")
        assert b"Connection" not in first
        assert second.endswith(b"\r\n\r\none piece")

    @pytest.mark.parametrize("path", ["/nothing", "/not_modified"])
    def test_of_a_response_without_content_is_omitted(self, connection: Connection, path: str) -> None:
        head, _, body = whole(connection, path).partition(b"\r\n\r\n")
        assert body == b""
        assert b"content-length" not in head.lower()
        assert b"transfer-encoding" not in head.lower()

    def test_of_one_piece_is_its_length(self, connection: Connection) -> None:
        response = connection.get("/one_piece")
        assert (response.headers["content-length"], response.body) == ("9", b"one piece")

    def test_of_an_empty_body_is_a_length_of_0(self, connection: Connection) -> None:
        assert connection.get("/empty").headers["content-length"] == "0"

    def test_to_head_is_that_of_get(self, connection: Connection) -> None:
        connection.send(build_request("/one_piece", method="HEAD"))
        assert connection.read_response(has_body=False).headers["content-length"] == "9"
        connection.send(build_request("/stream?pieces=2", method="HEAD", close=True))
        head, _, body = connection.rest().partition(b"\r\n\r\n")
        assert b"Transfer-Encoding: chunked" in head
        assert body == b""

    def test_of_http_1_0_keeps_the_connection_if_the_length_is_known(self, connection: Connection) -> None:
        for path in ("/one_piece", "/empty", "/nothing"):
            connection.send(f"GET {path} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".encode())
            assert connection.read_response().headers["connection"] == "keep-alive"

    def test_of_a_body_that_is_longer_than_its_length_cuts_it(self, connection: Connection) -> None:
        assert connection.get("/too_long").body == b"too lon"
        assert connection.get("/echo").status == 200

    def test_of_a_body_that_is_shorter_than_its_length_ends_the_connection(self, connection: Connection) -> None:
        connection.send(build_request("/too_short"))
        assert connection.rest().endswith(b"\r\n\r\nshort")


class TestFailures:
    @pytest.mark.parametrize("path", ["/crashing_later", "/replaced_too_late"])
    def test_behind_the_head_end_the_connection_without_the_last_chunk(self, connection: Connection, path: str) -> None:
        connection.send(build_request(path))
        assert connection.rest().endswith(b"\r\n\r\n5\r\nbegun\r\n")

    def test_that_would_end_the_process_end_the_connection(self, start: Start) -> None:
        process = start(threads=1)
        for _ in range(8):
            connection = process.connect()
            connection.send(build_request("/exiting"))
            assert connection.rest() == b""
        assert process.get("/echo").status == 200


class TestTheIterable:
    def closing(self, log: Path, pieces: int = 3, size: int = 5) -> str:
        return f"/closing?pieces={pieces}&size={size}&log={log}"

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_is_closed_once_when_all_is_sent(self, connection: Connection, tmp_path: Path, method: str) -> None:
        log = tmp_path / "log"
        connection.send(build_request(self.closing(log), method=method) + build_request("/echo", close=True))
        connection.rest()
        assert log.read_text() == "closed\n"

    def test_is_closed_once_when_close_fails(self, connection: Connection, tmp_path: Path) -> None:
        log = tmp_path / "log"
        connection.send(build_request(f"{self.closing(log)}&fails=1"))
        assert connection.rest().endswith(b"\r\n0\r\n\r\n")
        assert log.read_text() == "closed\n"

    def test_is_closed_once_when_the_client_disconnects(self, start: Start, tmp_path: Path) -> None:
        process = start()
        log = tmp_path / "log"
        connection = process.connect()
        connection.send(build_request(self.closing(log, 100, 1_000_000)))
        connection.socket.recv(1)
        assert not log.exists()
        connection.close()
        wait_until(log.exists, "the iterable to be closed")
        wait_until(lambda: not process.connections(), "the connection to end")
        assert log.read_text() == "closed\n"

    def test_is_closed_once_when_the_client_reads_nothing(self, start: Start, tmp_path: Path) -> None:
        process = start(SEND_TIMEOUT=1)
        log = tmp_path / "log"
        connection = process.connect()
        connection.send(build_request(self.closing(log, 100, 1_000_000)))
        connection.socket.recv(1)
        wait_until(log.exists, "the iterable to be closed")
        wait_until(lambda: not process.connections(), "the connection to end")
        assert log.read_text() == "closed\n"


class TestAStream:
    def test_goes_no_further_than_the_client_reads(self, start: Start, tmp_path: Path) -> None:
        process = start(threads=2)
        connection = process.connect()
        reached = tmp_path / "reached"
        connection.send(build_request(f"/stream?pieces=100&size=1000000&progress={reached}", version="1.0"))
        wait_until(lambda: reached.exists() and int(reached.read_text() or 0) >= 1, "the response to begin")
        wait_until(lambda: time.time() - reached.stat().st_mtime > 0.5, "the stream to stop")
        # At most the buffers of two sockets and one piece are sent; no thread waits.
        assert int(reached.read_text() or 0) < 20
        assert process.get("/echo").status == 200
        assert connection.read_response().status == 200
        assert connection.rest() == b"p" * 100_000_000

    def test_holds_no_thread_while_its_client_does_not_read(self, start: Start, tmp_path: Path) -> None:
        process = start(threads=1, SEND_TIMEOUT=600)
        streams = []
        for number in range(12):
            stream = process.connect()
            stream.send(build_request(f"/stream?pieces=20&size=1000000&progress={tmp_path / str(number)}", close=True))
            streams.append(stream)
        for number in range(12):
            wait_until((tmp_path / str(number)).exists, "every stream to begin")
            assert process.get("/echo").status == 200
        for stream in streams:
            assert len(stream.rest()) > 20_000_000

    def test_of_small_pieces_arrives_whole(self, connection: Connection) -> None:
        connection.send(build_request("/stream?pieces=20000&size=5", version="1.0"))
        assert connection.read_response().status == 200
        assert connection.rest() == b"p" * 100_000

    def test_of_large_pieces_arrives_whole(self, shared: Process) -> None:
        connection = shared.connect()
        connection.send(build_request("/stream?pieces=5&size=3000000", version="1.0"))
        assert connection.read_response().status == 200
        assert connection.rest() == b"p" * 15_000_000

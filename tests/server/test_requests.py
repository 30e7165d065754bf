"""Valid requests reach the application, and its responses return, on persistent connections."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.server.process import Connection, Process, Start, wait_until


class TestTheEnvironment:
    def test_of_a_request(self, connection: Connection, shared: Process) -> None:
        connection.send(b"GET /echo/a%20b?c=d%20e HTTP/1.1\r\nHost: test:1\r\nX-Two: a\r\nX-Two: b\r\n\r\n")
        seen = connection.read_response().json
        assert seen["PATH_INFO"] == "/echo/a b"
        assert seen["QUERY_STRING"] == "c=d%20e"
        assert seen["HTTP_HOST"] == "test:1"
        assert seen["HTTP_X_TWO"] == "a, b"
        assert seen["REMOTE_ADDR"] == "127.0.0.1"
        assert seen["SERVER_PORT"] == str(shared.port)
        assert seen["SERVER_PROTOCOL"] == "HTTP/1.1"

    def test_an_absolute_target_names_the_host(self, connection: Connection) -> None:
        connection.send(b"GET http://other:81/echo/x?y HTTP/1.1\r\nHost: test\r\n\r\n")
        seen = connection.read_response().json
        assert (seen["HTTP_HOST"], seen["PATH_INFO"], seen["QUERY_STRING"]) == ("other:81", "/echo/x", "y")
        assert seen["REQUEST_URI"] == "/echo/x?y"

    @pytest.mark.parametrize("target", [b"http://other", b"HTTPS://other?q=/", b"http://other/"])
    def test_an_absolute_target_may_lack_a_path(self, connection: Connection, target: bytes) -> None:
        connection.send(b"GET " + target + b" HTTP/1.1\r\nHost: test\r\n\r\n")
        assert connection.read_response().json["PATH_INFO"] == "/"

    @pytest.mark.parametrize("host", [b"[::1]:80", b"a.example", b"a_b", b"192.0.2.1:8000", b""])
    def test_hosts_of_all_kinds_pass(self, connection: Connection, host: bytes) -> None:
        connection.send(b"GET /echo HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
        assert connection.read_response().json["HTTP_HOST"] == host.decode()

    def test_a_header_with_underscores_is_not_taken_for_the_one_with_hyphens(self, connection: Connection) -> None:
        connection.send(b"GET /echo HTTP/1.1\r\nHost: test\r\nX_Forwarded_For: 192.0.2.1\r\n\r\n")
        assert "HTTP_X_FORWARDED_FOR" not in connection.read_response().json

    def test_any_method_that_is_a_token_reaches_the_application(self, connection: Connection) -> None:
        connection.send(b"bre!w /echo HTTP/1.1\r\nHost: test\r\n\r\n")
        assert connection.read_response().json["REQUEST_METHOD"] == "bre!w"

    def test_empty_lines_before_a_request_are_skipped(self, connection: Connection) -> None:
        connection.send(b"\r\n\r\n\r\nGET /echo HTTP/1.1\r\nHost: test\r\n\r\n")
        assert connection.read_response().status == 200
        for piece in (b"\r", b"\n\r", b"\nGET /echo HTTP/1.1\r\nHost: test\r\n\r\n"):
            time.sleep(0.1)
            connection.send(piece)
        assert connection.read_response().status == 200


class TestBodies:
    def test_of_a_given_length(self, connection: Connection) -> None:
        connection.send(b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 0005\r\n\r\nhel")
        connection.send(b"lo")
        assert connection.read_response().json["body"] == "hello"

    def test_in_chunks_with_extensions_and_a_trailer(self, connection: Connection) -> None:
        connection.send(b"POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: Chunked\r\n\r\n")
        connection.send(b'5;name="value"\r\nhello\r\n00006 \r\n world\r\n0;x\r\nX-Trailer: a\r\n\r\n')
        seen = connection.read_response().json
        assert seen["body"] == "hello world"
        assert seen["CONTENT_LENGTH"] == "11"
        assert "HTTP_TRANSFER_ENCODING" not in seen
        assert "HTTP_X_TRAILER" not in seen
        assert connection.get("/echo").status == 200

    def test_in_pieces_of_any_size(self, connection: Connection) -> None:
        head = b"POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
        for byte in head + b"A;e=f\r\n0123456789\r\n0\r\nT: u\r\n\r\n":
            connection.send(bytes([byte]))
        assert connection.read_response().json["body"] == "0123456789"

    def test_100_continue_is_sent_before_a_body(self, connection: Connection) -> None:
        connection.send(b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert connection.read_response().status == 100
        connection.send(b"ok")
        assert connection.read_response().json["body"] == "ok"

    def test_100_continue_is_not_sent_without_a_body(self, connection: Connection) -> None:
        connection.send(b"GET /echo HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\n\r\n")
        assert connection.read_response().status == 200
        assert connection.get("/echo").status == 200


class TestConnections:
    def test_stay_open_from_request_to_request(self, connection: Connection) -> None:
        for path in ("/echo", "/nothing", "/echo"):
            response = connection.get(path)
            assert "connection" not in response.headers

    def test_close_at_the_clients_request(self, connection: Connection) -> None:
        connection.send(b"GET /echo HTTP/1.1\r\nHost: test\r\nConnection: x, Close\r\n\r\n")
        assert connection.read_response().headers["connection"] == "close"
        assert connection.rest() == b""

    def test_shut_down_at_once_after_the_last_response(self, start: Start) -> None:
        connection = start(LINGER_TIMEOUT=60).connect()
        connection.send(b"GET /echo HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        assert connection.read_response().status == 200
        assert connection.rest() == b""

    def test_close_after_a_response_to_http_1_0(self, connection: Connection) -> None:
        connection.send(b"GET /echo HTTP/1.0\r\n\r\n")
        assert connection.read_response().headers["connection"] == "close"
        assert connection.rest() == b""

    def test_stay_open_for_http_1_0_with_keep_alive(self, connection: Connection) -> None:
        for _ in range(2):
            connection.send(b"GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert connection.read_response().headers["connection"] == "keep-alive"

    def test_carry_pipelined_requests_and_keep_the_order_of_the_responses(self, connection: Connection) -> None:
        connection.send(b"".join(b"GET /echo/%d HTTP/1.1\r\nHost: test\r\n\r\n" % n for n in range(100)))
        assert [connection.read_response().json["PATH_INFO"] for _ in range(100)] == [f"/echo/{n}" for n in range(100)]

    def test_are_served_when_the_client_has_shut_down_its_sending_side(self, connection: Connection) -> None:
        connection.send(b"GET /echo HTTP/1.1\r\nHost: test\r\n\r\n")
        connection.socket.shutdown(1)
        assert connection.read_response().status == 200
        assert connection.rest() == b""


class TestResponses:
    def test_to_head_have_a_length_and_no_body(self, connection: Connection) -> None:
        connection.send(b"HEAD /echo HTTP/1.1\r\nHost: test\r\n\r\n")
        assert int(connection.read_response(has_body=False).headers["content-length"]) > 0
        assert connection.get("/echo").status == 200

    def test_without_content_have_no_length(self, connection: Connection) -> None:
        response = connection.get("/nothing")
        assert response.status == 204
        assert "content-length" not in response.headers
        assert "transfer-encoding" not in response.headers

    def test_larger_than_any_socket_buffer_arrive_whole(self, connection: Connection) -> None:
        size = 20_000_000
        assert connection.get(f"/big?size={size}").body == b"b" * size
        assert connection.get("/echo").status == 200

    def test_of_unknown_length_come_in_chunks(self, connection: Connection) -> None:
        response = connection.get("/stream?pieces=2")
        assert response.headers["transfer-encoding"] == "chunked"
        connection.send(b"GET /echo HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        assert connection.rest().startswith(b"5\r\nppppp\r\n5\r\nppppp\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n")

    def test_of_unknown_length_end_with_the_connection_in_http_1_0(self, connection: Connection) -> None:
        connection.send(b"GET /stream?pieces=2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert connection.read_response().headers["connection"] == "close"
        assert connection.rest() == b"pppppppppp"

    def test_to_pipelined_requests_wait_for_a_client_that_reads_slowly(self, start: Start, tmp_path: Path) -> None:
        record = tmp_path / "record"
        connection = start(RECORD=record).connect()
        connection.send(b"GET /big?size=4000000 HTTP/1.1\r\nHost: test\r\n\r\n" * 20)
        wait_until(record.exists, "the first request to reach the application")
        time.sleep(0.5)
        assert len(record.read_text().splitlines()) < 5
        assert [len(connection.read_response().body) for _ in range(20)] == [4_000_000] * 20

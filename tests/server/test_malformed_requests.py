"""An ambiguous or malformed request gets one error in the envelope, and the connection is closed."""

from __future__ import annotations

import contextlib
import re

import pytest

from tests.server.malformed import ALL, HEADS, get, post
from tests.server.process import Connection, Process, Start

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n"


@pytest.mark.parametrize("request_bytes", ALL.values(), ids=ALL.keys())
def test_a_malformed_request_gets_one_error_and_the_connection_is_closed(
    connection: Connection, request_bytes: bytes
) -> None:
    connection.send(request_bytes + SMUGGLED)
    response = connection.read_response()
    assert response.status in (400, 501)
    assert response.json["error"]["code"] == "BAD_REQUEST"
    assert response.headers["connection"] == "close"
    assert connection.rest() == b""


@pytest.mark.parametrize("request_bytes", ALL.values(), ids=ALL.keys())
def test_a_malformed_request_in_pieces_gets_the_same_error(shared: Process, request_bytes: bytes) -> None:
    connection = shared.connect()
    half = min(len(request_bytes) // 2, 1000)
    with contextlib.suppress(ConnectionError):
        for piece in (request_bytes[:half], request_bytes[half : half + 1], request_bytes[half + 1 :] + SMUGGLED):
            connection.send(piece)
    assert connection.read_response().status in (400, 501)
    assert connection.rest() == b""
    connection.close()


@pytest.mark.parametrize("beginning", [b"GET /echo\r\n", b"GET /echo HTTP/1.1\n", b"noise\r\n", b"\r\n\r\nGET\r\n"])
def test_an_impossible_beginning_of_a_request_is_rejected_at_once(connection: Connection, beginning: bytes) -> None:
    connection.send(beginning)
    assert connection.read_response().status == 400
    assert connection.rest() == b""


class TestTheErrorResponse:
    def test_has_the_envelope_and_the_headers_of_every_error(self, connection: Connection) -> None:
        connection.send(HEADS["http_2"])
        response = connection.read_response()
        assert set(response.json) == {"error"}
        assert set(response.json["error"]) == {"code", "message"}
        assert response.headers["content-type"] == "application/json"
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])
        assert "date" in response.headers
        assert "server" not in response.headers

    def test_echoes_a_valid_request_id(self, connection: Connection) -> None:
        connection.send(post(b"X-Request-ID: mine-1.2_3", b"Content-Length: 99999999"))
        assert connection.read_response().headers["x-request-id"] == "mine-1.2_3"

    def test_does_not_echo_an_invalid_request_id(self, connection: Connection) -> None:
        connection.send(post(b"X-Request-ID: <b>", b"Content-Length: 99999999"))
        assert re.fullmatch("[0-9a-f]{32}", connection.read_response().headers["x-request-id"])

    def test_has_no_body_for_head(self, connection: Connection) -> None:
        connection.send(b"HEAD /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n")
        response = connection.read_response(has_body=False)
        assert response.status == 413
        assert connection.rest() == b""

    def test_contains_nothing_of_the_request(self, connection: Connection) -> None:
        connection.send(get(b"/echo", b"Host: a", b"Authorization : secret"))
        assert b"secret" not in connection.rest()


def test_without_handlers_of_the_service_it_is_a_line_of_text(start: Start) -> None:
    connection = start(PLAIN="yes").connect()
    connection.send(HEADS["http_2"])
    response = connection.read_response()
    assert (response.status, response.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert response.body == b"The request line or a header is not valid\n"
    assert connection.rest() == b""


def test_an_exception_of_the_application_is_a_500_in_the_envelope(connection: Connection) -> None:
    response = connection.get("/crash")
    assert response.status == 500
    assert response.json["error"]["code"] == "INTERNAL_ERROR"
    assert "provoked" not in response.body.decode()
    assert connection.rest() == b""

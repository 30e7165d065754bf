"""What could be read in two ways, or is no HTTP at all, gets one answer in the envelope and a closed connection."""

from __future__ import annotations

import contextlib
import re

import pytest

from tests.server.malformed import ALL, HEADS, get, post
from tests.server.process import Connection, Process, Start

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n"


@pytest.mark.parametrize("request_bytes", ALL.values(), ids=ALL.keys())
def test_one_refusal_and_the_connection_is_closed(connection: Connection, request_bytes: bytes) -> None:
    connection.send(request_bytes + SMUGGLED)
    answer = connection.answer()
    assert answer.status in (400, 501)
    assert answer.json["error"]["code"] == "BAD_REQUEST"
    assert answer.headers["connection"] == "close"
    assert connection.rest() == b""


@pytest.mark.parametrize("request_bytes", ALL.values(), ids=ALL.keys())
def test_a_refusal_does_not_depend_on_how_the_bytes_are_cut(shared: Process, request_bytes: bytes) -> None:
    connection = shared.connect()
    half = min(len(request_bytes) // 2, 1000)
    with contextlib.suppress(ConnectionError):
        for piece in (request_bytes[:half], request_bytes[half : half + 1], request_bytes[half + 1 :] + SMUGGLED):
            connection.send(piece)
    assert connection.answer().status in (400, 501)
    assert connection.rest() == b""
    connection.close()


@pytest.mark.parametrize("beginning", [b"GET /echo\r\n", b"GET /echo HTTP/1.1\n", b"noise\r\n", b"\r\n\r\nGET\r\n"])
def test_what_cannot_become_a_request_is_not_waited_for(connection: Connection, beginning: bytes) -> None:
    connection.send(beginning)
    assert connection.answer().status == 400
    assert connection.rest() == b""


class TestTheAnswer:
    def test_has_the_envelope_and_the_headers_of_every_error(self, connection: Connection) -> None:
        connection.send(HEADS["http_2"])
        answer = connection.answer()
        assert set(answer.json) == {"error"}
        assert set(answer.json["error"]) == {"code", "message"}
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
        assert "date" in answer.headers
        assert "server" not in answer.headers

    def test_carries_the_request_id_that_was_sent(self, connection: Connection) -> None:
        connection.send(post(b"X-Request-ID: mine-1.2_3", b"Content-Length: 99999999"))
        assert connection.answer().headers["x-request-id"] == "mine-1.2_3"

    def test_does_not_carry_back_a_request_id_that_is_none(self, connection: Connection) -> None:
        connection.send(post(b"X-Request-ID: <b>", b"Content-Length: 99999999"))
        assert re.fullmatch("[0-9a-f]{32}", connection.answer().headers["x-request-id"])

    def test_has_no_body_for_head(self, connection: Connection) -> None:
        connection.send(b"HEAD /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n")
        answer = connection.answer(has_body=False)
        assert answer.status == 413
        assert connection.rest() == b""

    def test_tells_nothing_of_what_was_sent(self, connection: Connection) -> None:
        connection.send(get(b"/echo", b"Host: a", b"Authorization : secret"))
        assert b"secret" not in connection.rest()


def test_without_handlers_of_the_service_it_is_a_line_of_text(start: Start) -> None:
    connection = start(PLAIN="yes").connect()
    connection.send(HEADS["http_2"])
    answer = connection.answer()
    assert (answer.status, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert answer.body == b"The request line or a header is not valid\n"
    assert connection.rest() == b""


def test_an_exception_of_the_application_is_answered_in_the_envelope(connection: Connection) -> None:
    answer = connection.get("/crash")
    assert answer.status == 500
    assert answer.json["error"]["code"] == "INTERNAL_ERROR"
    assert "provoked" not in answer.body.decode()
    assert connection.rest() == b""

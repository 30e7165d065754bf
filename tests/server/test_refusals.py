"""What could be read in two ways, or is no HTTP at all, gets one answer in the envelope and a closed connection."""

from __future__ import annotations

import contextlib
import re

import pytest

from tests.server.conftest import Start
from tests.server.process import Connection, Process

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n"


def post(*headers: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join((b"POST /echo HTTP/1.1", b"Host: test", *headers, b"", body))


def get(target: bytes, *headers: bytes, version: bytes = b"HTTP/1.1") -> bytes:
    return b"\r\n".join((b"GET " + target + b" " + version, *headers, b"", b""))


FRAMING = {
    "both_lengths": post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "both_lengths_reversed": post(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n"),
    "two_lengths": post(b"Content-Length: 5", b"Content-Length: 6", body=b"hello"),
    "the_same_length_twice": post(b"Content-Length: 5", b"Content-Length: 5", body=b"hello"),
    "a_list_of_lengths": post(b"Content-Length: 5, 5", body=b"hello"),
    "a_negative_length": post(b"Content-Length: -5", body=b"hello"),
    "a_signed_length": post(b"Content-Length: +5", body=b"hello"),
    "a_hexadecimal_length": post(b"Content-Length: 0x5", body=b"hello"),
    "an_empty_length": post(b"Content-Length:", body=b"hello"),
    "a_length_in_other_digits": post("Content-Length: ²".encode("latin-1"), body=b"hello"),
    "chunked_twice": post(b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"),
    "chunked_on_two_lines": post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "an_empty_coding": post(b"Transfer-Encoding:", body=b"0\r\n\r\n"),
    "a_coding_with_a_comma": post(b"Transfer-Encoding: chunked,", body=b"0\r\n\r\n"),
    "a_coding_behind_a_tab_stop": post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"),
    "gzip_and_chunked": post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "identity": post(b"Transfer-Encoding: identity", body=b"hello"),
    "a_coding_in_http_1_0": b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a_chunk_size_that_is_no_number": post(b"Transfer-Encoding: chunked", body=b"x\r\nhello\r\n0\r\n\r\n"),
    "a_signed_chunk_size": post(b"Transfer-Encoding: chunked", body=b"+5\r\nhello\r\n0\r\n\r\n"),
    "a_chunk_size_in_c": post(b"Transfer-Encoding: chunked", body=b"0x5\r\nhello\r\n0\r\n\r\n"),
    "a_chunk_size_before_a_bare_lf": post(b"Transfer-Encoding: chunked", body=b"5\n\r\nhello\r\n0\r\n\r\n"),
    "an_extension_with_a_bare_lf": post(b"Transfer-Encoding: chunked", body=b"5;a\nb\r\nhello\r\n0\r\n\r\n"),
    "a_chunk_without_its_end": post(b"Transfer-Encoding: chunked", body=b"5\r\nhelloXX0\r\n\r\n"),
    "a_blank_line_for_a_chunk_size": post(b"Transfer-Encoding: chunked", body=b"\r\n5\r\nhello\r\n0\r\n\r\n"),
    "a_chunk_size_past_64_bits": post(b"Transfer-Encoding: chunked", body=b"1" + b"0" * 16 + b"\r\n"),
    "an_endless_chunk_size": post(b"Transfer-Encoding: chunked", body=b"0" * 1000),
    "a_trailer_that_is_no_header": post(b"Transfer-Encoding: chunked", body=b"0\r\nno header\r\n\r\n"),
    "more_chunk_framing_than_body": post(b"Transfer-Encoding: chunked", body=b"1\r\nx\r\n" * 30000 + b"0\r\n\r\n"),
}

HOSTS = {
    "no_host": get(b"/echo"),
    "two_hosts": get(b"/echo", b"Host: a", b"Host: b"),
    "the_same_host_twice": get(b"/echo", b"Host: a", b"Host: a"),
    "a_list_of_hosts": get(b"/echo", b"Host: a, b"),
    "a_user_in_the_host": get(b"/echo", b"Host: user@a"),
    "a_path_in_the_host": get(b"/echo", b"Host: a/b"),
    "a_space_in_the_host": get(b"/echo", b"Host: a b"),
    "a_port_that_is_none": get(b"/echo", b"Host: a:b"),
    "an_absolute_target_without_host": get(b"http://a/echo"),
    "an_absolute_target_with_a_user": get(b"http://user@a/echo", b"Host: a"),
    "an_absolute_target_without_authority": get(b"http:///echo", b"Host: a"),
}

TARGETS = {
    "another_scheme": get(b"ftp://a/echo", b"Host: a"),
    "an_authority": get(b"a:443", b"Host: a"),
    "connect": b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    "an_asterisk": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "a_relative_path": get(b"echo", b"Host: a"),
    "a_fragment": get(b"/echo#part", b"Host: a"),
    "no_target": b"GET HTTP/1.1\r\nHost: a\r\n\r\n",
    "a_space_in_the_target": get(b"/ec ho", b"Host: a"),
    "two_spaces": get(b" /echo", b"Host: a"),
    "a_tab_for_a_space": b"GET\t/echo HTTP/1.1\r\nHost: a\r\n\r\n",
    "bytes_past_ascii": get("/é".encode(), b"Host: a"),
    "nul_in_the_target": get(b"/\x00", b"Host: a"),
    "delete_in_the_target": get(b"/\x7f", b"Host: a"),
}

HEADS = {
    "http_0_9": b"GET /echo\r\n\r\n",
    "http_0_9_without_a_blank_line": b"GET /echo\r\n",
    "http_2": get(b"/echo", b"Host: a", version=b"HTTP/2.0"),
    "http_1_2": get(b"/echo", b"Host: a", version=b"HTTP/1.2"),
    "a_version_in_lower_case": get(b"/echo", b"Host: a", version=b"http/1.1"),
    "a_space_before_the_method": b" GET /echo HTTP/1.1\r\nHost: a\r\n\r\n",
    "a_bare_cr_before_the_method": b"\rGET /echo HTTP/1.1\r\nHost: a\r\n\r\n",
    "a_bare_lf_before_the_method": b"\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\n",
    "a_method_that_is_no_token": b"GE(T /echo HTTP/1.1\r\nHost: a\r\n\r\n",
    "a_space_before_the_colon": get(b"/echo", b"Host : a"),
    "a_header_without_colon": get(b"/echo", b"Host: a", b"nothing"),
    "a_header_without_name": get(b"/echo", b"Host: a", b": value"),
    "a_folded_header": get(b"/echo", b"Host: a", b"X-Folded: a", b" b"),
    "a_folded_first_header": get(b"/echo", b" Host: a"),
    "nul_in_a_header": get(b"/echo", b"Host: a", b"X-Nul: a\x00b"),
    "a_control_in_a_header": get(b"/echo", b"Host: a", b"X-Bell: a\x07b"),
    "a_bare_cr_in_a_header": get(b"/echo", b"Host: a", b"X-CR: a\rContent-Length: 5"),
    "a_bare_lf_in_a_header": get(b"/echo", b"Host: a", b"X-LF: a\nContent-Length: 5"),
    "bare_lf_alone": b"GET /echo HTTP/1.1\nHost: a\n\n",
    "a_tls_hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\r\n\r\n",
    "noise": bytes(range(256)) * 4 + b"\r\n\r\n",
}

ALL = {**FRAMING, **HOSTS, **TARGETS, **HEADS}


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

"""A request rejected by its head: its body is not requested or stored, and the application is not called."""

from __future__ import annotations

import re
from pathlib import Path

from tests.server.process import Connection, Start

MIB = 1024 * 1024
REJECTED = b"rejected, without wsgi.input"


def post(*headers: bytes, length: int = MIB) -> bytes:
    fixed = (b"POST /echo HTTP/1.1", b"Host: test", b"Content-Length: %d" % length)
    return b"\r\n".join((*fixed, *headers, b"", b""))


def resident_kib(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])


def test_the_response_comes_before_the_body(connection: Connection) -> None:
    connection.send(post(b"X-Reject: 401"))
    response = connection.read_response()
    assert (response.status, response.body) == (401, REJECTED)
    assert response.headers["content-length"] == str(len(REJECTED))
    assert response.headers["connection"] == "close"
    assert "date" in response.headers
    assert connection.rest() == b""


def test_no_100_continue_is_sent(connection: Connection) -> None:
    connection.send(post(b"X-Reject: 429", b"Expect: 100-continue"))
    assert connection.read_response().status == 429
    assert connection.rest() == b""


def test_the_client_may_still_send_the_whole_body(connection: Connection) -> None:
    connection.send(post(b"X-Reject: 413") + b"x" * MIB)
    assert connection.read_response().status == 413
    connection.socket.shutdown(1)
    assert connection.rest() == b""


def test_the_body_is_not_kept(start: Start, tmp_path: Path) -> None:
    record = tmp_path / "record"
    process = start(RECORD=record, LINGER_TIMEOUT=60)
    process.get("/echo")
    before = resident_kib(process.pid)
    for _ in range(40):
        connection = process.connect()
        connection.send(post(b"X-Reject: 401") + b"x" * MIB)
        assert connection.read_response().status == 401
    assert resident_kib(process.pid) - before < 20 * 1024
    assert record.read_text() == "GET /echo\n"


def test_earlier_requests_are_served_and_later_ones_are_not(start: Start, tmp_path: Path) -> None:
    record = tmp_path / "record"
    connection = start(RECORD=record).connect()
    following = b"GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n"
    connection.send(
        b"GET /echo HTTP/1.1\r\nHost: test\r\n\r\n" + post(b"X-Reject: 403", length=len(following)) + following
    )
    assert connection.read_response().status == 200
    assert connection.read_response().status == 403
    assert connection.rest() == b""
    assert record.read_text() == "GET /echo\n"


def test_a_request_without_a_body_is_checked(connection: Connection) -> None:
    connection.send(b"HEAD /echo HTTP/1.1\r\nHost: test\r\nX-Reject: 401\r\n\r\n")
    response = connection.read_response(has_body=False)
    assert (response.status, response.headers["content-length"]) == (401, str(len(REJECTED)))
    assert connection.rest() == b""


def test_environ_changes_of_the_head_check_reach_the_application(connection: Connection) -> None:
    assert connection.get("/echo").json["site.judged"] == "yes"


def test_a_head_check_that_fails_is_a_500(connection: Connection) -> None:
    connection.send(post(b"X-Reject: crash"))
    response = connection.read_response()
    assert (response.status, response.json["error"]["code"]) == (500, "INTERNAL_ERROR")
    assert connection.rest() == b""

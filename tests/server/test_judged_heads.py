"""A request that is rejected by its head: its body is neither asked for nor kept, and the application not called."""

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
    answer = connection.answer()
    assert (answer.status, answer.body) == (401, REJECTED)
    assert answer.headers["content-length"] == str(len(REJECTED))
    assert answer.headers["connection"] == "close"
    assert "date" in answer.headers
    assert connection.rest() == b""


def test_the_body_is_not_asked_for(connection: Connection) -> None:
    connection.send(post(b"X-Reject: 429", b"Expect: 100-continue"))
    assert connection.answer().status == 429
    assert connection.rest() == b""


def test_the_client_may_send_the_whole_body_all_the_same(connection: Connection) -> None:
    connection.send(post(b"X-Reject: 413") + b"x" * MIB)
    assert connection.answer().status == 413
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
        assert connection.answer().status == 401
    assert resident_kib(process.pid) - before < 20 * 1024
    assert record.read_text() == "GET /echo\n"


def test_requests_before_it_are_answered_and_none_after_it(start: Start, tmp_path: Path) -> None:
    record = tmp_path / "record"
    connection = start(RECORD=record).connect()
    following = b"GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n"
    connection.send(
        b"GET /echo HTTP/1.1\r\nHost: test\r\n\r\n" + post(b"X-Reject: 403", length=len(following)) + following
    )
    assert connection.answer().status == 200
    assert connection.answer().status == 403
    assert connection.rest() == b""
    assert record.read_text() == "GET /echo\n"


def test_a_request_without_a_body_is_judged_too(connection: Connection) -> None:
    connection.send(b"HEAD /echo HTTP/1.1\r\nHost: test\r\nX-Reject: 401\r\n\r\n")
    answer = connection.answer(has_body=False)
    assert (answer.status, answer.headers["content-length"]) == (401, str(len(REJECTED)))
    assert connection.rest() == b""


def test_what_the_judge_notes_reaches_the_application(connection: Connection) -> None:
    assert connection.get("/echo").json["site.judged"] == "yes"


def test_a_judge_that_fails_is_a_500(connection: Connection) -> None:
    connection.send(post(b"X-Reject: crash"))
    answer = connection.answer()
    assert (answer.status, answer.json["error"]["code"]) == (500, "INTERNAL_ERROR")
    assert connection.rest() == b""

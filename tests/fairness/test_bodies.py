"""Requests that their head decides, and bodies that never end: neither costs memory, disk or others' time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fairness.crowd import MIB, memory, wait_until_idle
from tests.support.http import Connection, Response
from tests.support.processes import Service, running
from tests.support.signing import SECRET, token_for
from tests.support.waiting import wait_until

JSON = "Content-Type: application/json"
BODY = b'{"title": "Buy milk"}'


@pytest.fixture(scope="module")
def service(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all tests of this module; `temporary` beside its log is its temporary folder."""
    folder = tmp_path_factory.mktemp("bodies")
    (folder / "temporary").mkdir()
    settings = {"BETTER_AUTH_SECRET": SECRET, "WORKERS": "2", "TMPDIR": str(folder / "temporary")}
    settings["STATEMENT_TIMEOUT"] = "30"
    with running(folder / "log", DATABASE_URL=database_url, **settings) as service:
        yield service


def head(method: str, path: str, *fields: str, token: str | None = "user", length: int | None = MIB) -> bytes:
    """A head with these fields, and a body that is announced; without a length it is chunked."""
    lines = [f"{method} {path} HTTP/1.1", "Host: test", *fields]
    lines.append("Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}")
    if token is not None:
        lines.append(f"Authorization: Bearer {token_for(token)}")
    return "\r\n".join([*lines, "", ""]).encode()


def send(service: Service, *parts: bytes) -> Response:
    """Send a request in parts that arrive one after the other; the response."""
    with contextlib.closing(Connection(service.port)) as connection:
        for part in parts:
            connection.send(part)
            time.sleep(0.05)
        return connection.read_response()


DECIDED = {
    "unknown path": (head("POST", "/nowhere", JSON, token=None), 404),
    "no token": (head("POST", "/api/tasks", JSON, token=None), 401),
    "no token, chunked": (head("POST", "/api/tasks", JSON, token=None, length=None), 401),
    "no token, 2 MiB, another media type": (
        head("POST", "/tasks", "Content-Type: x/y", token=None, length=2 * MIB),
        401,
    ),
    "another's path": (head("POST", "/api/someone/tasks", "Content-Type: x/y"), 403),
    "no such method": (head("PUT", "/api/tasks", "Content-Type: x/y"), 405),
    "not an id": (head("PUT", "/api/tasks/seven", "Content-Type: x/y"), 422),
    "another media type": (head("POST", "/api/tasks", "Content-Type: text/plain", length=2 * MIB), 415),
    "no media type, chunked": (head("POST", "/api/tasks", length=None), 415),
    "a content coding": (head("POST", "/api/tasks", JSON, "Content-Encoding: gzip"), 415),
    "over 1 MiB": (head("POST", "/api/tasks", JSON, length=MIB + 1), 413),
    "over 1 MiB, to register": (head("POST", "/auth/register", JSON, token=None, length=MIB + 1), 413),
    "over 1 MiB, of a call without a body": (head("DELETE", "/api/tasks/7", length=MIB + 1), 413),
    "100-continue": (head("POST", "/api/tasks", JSON, "Expect: 100-continue", token=None), 401),
}


@pytest.mark.parametrize("name", DECIDED)
def test_the_head_alone_is_rejected_in_the_order_of_the_checks(service: Service, name: str) -> None:
    request, status = DECIDED[name]
    with contextlib.closing(Connection(service.port)) as connection:
        connection.send(request)
        response = connection.read_response()
        assert response.status == status, response
        assert set(response.json) == {"error"}
        assert response.headers["vary"] == "Origin"
        assert response.headers["x-request-id"]
        assert response.headers["connection"] == "close"


@pytest.mark.parametrize("media_type", ["application/json;charset=UTF-8", 'Application/JSON; x="a;b"; charset="utf-8"'])
def test_the_parameters_of_a_media_type_are_parsed(service: Service, media_type: str) -> None:
    assert (
        send(service, head("POST", "/api/tasks", f"Content-Type: {media_type}", length=len(BODY)), BODY).status == 201
    )


@pytest.mark.parametrize("media_type", ["application/json; charset=latin-1", "application/json-seq", "application/jso"])
def test_another_charset_or_type_is_rejected(service: Service, media_type: str) -> None:
    request = head("POST", "/api/tasks", f"Content-Type: {media_type}", length=len(BODY))
    assert send(service, request, BODY).status == 415


def test_a_request_in_parts_is_counted_once(service: Service) -> None:
    def remaining(user_id: str) -> list[int]:
        left = []
        with contextlib.closing(Connection(service.port)) as connection:
            # One connection, because each worker counts for itself.
            for _ in range(3):
                connection.send(head("POST", "/api/tasks", JSON, token=user_id, length=len(BODY)))
                time.sleep(0.05)
                connection.send(BODY)
                left.append(connection.read_response().headers["ratelimit"])
        return [int(each.split(";r=")[1].split(";")[0]) for each in left]

    while True:
        minute = time.time() // 60
        seen = remaining(f"parts-{minute}")
        # In a new minute the calls of the one before count less.
        if time.time() // 60 == minute:
            break
    assert seen == [599, 598, 597]


def test_a_token_that_expires_while_the_body_comes_is_still_good(service: Service) -> None:
    def status(life: int) -> int:
        expires = int(time.time()) + life
        bearer = f"Authorization: Bearer {token_for('late', exp=expires)}"
        with contextlib.closing(Connection(service.port)) as connection:
            connection.send(head("POST", "/api/tasks", JSON, bearer, token=None, length=len(BODY)))
            wait_until(lambda: time.time() > expires + 0.1, "the token to expire")
            # The server may have rejected it, and closed the connection.
            with contextlib.suppress(ConnectionError):
                connection.send(BODY)
                return connection.read_response().status
        return 0

    # On a busy machine the head may come too late for a short life.
    assert any(status(life) == 201 for life in (2, 5, 20))


def test_a_call_whose_body_does_not_come_is_not_executed(service: Service) -> None:
    token = token_for("user")
    path = service.call("POST", "/api/tasks", {"title": "Keep me"}, token=token).headers["location"]
    with contextlib.closing(Connection(service.port)) as connection:
        connection.send(head("DELETE", path, length=10) + b"{")
        time.sleep(0.2)
    assert service.call("GET", path, token=token).status == 200
    assert send(service, head("DELETE", path, length=2), b"{", b"}").status == 204


PART = b'{"title": "' + b"x" * (MIB - 100)
"""Most of a body of 1 MiB."""


def unfinished(service: Service, request: bytes) -> Connection:
    """A connection with a request whose body lacks its last bytes."""
    connection = Connection(service.port)
    # The server may have rejected it, and closed the connection, before all is sent.
    with contextlib.suppress(ConnectionError):
        connection.send(request)
    return connection


@pytest.mark.parametrize(
    ("number", "request_part"),
    [
        (400, head("POST", "/api/tasks", JSON, token=None, length=4 * MIB - 1) + PART),
        (400, head("POST", "/api/tasks", JSON, token=None) + PART),
        (400, head("POST", "/auth/register", JSON, token=None) + PART),
        (200, head("POST", "/api/tasks", JSON) + PART),
        (200, head("POST", "/api/tasks", JSON, length=None) + b"%X\r\n" % MIB + PART),
        (40, head("POST", "/api/tasks", JSON, length=None) + b"8\r\nxxxxxxxx\r\n" * (MIB // 8)),
    ],
    ids=[
        "4 MiB without a token",
        "1 MiB without a token",
        "to register",
        "of one user",
        "of one user, in one chunk",
        "of one user, in small chunks",
    ],
)
def test_unfinished_bodies_take_little_memory_and_no_disk(service: Service, number: int, request_part: bytes) -> None:
    token = token_for("other")
    path = service.call("POST", "/api/tasks", {"title": "Buy milk"}, token=token).headers["location"]
    with contextlib.ExitStack() as stack:
        # The first such requests load what they need.
        for _ in range(20):
            stack.enter_context(contextlib.closing(unfinished(service, request_part[:2000])))
    before = memory(service)
    with contextlib.ExitStack() as stack:
        for _ in range(number):
            stack.enter_context(contextlib.closing(unfinished(service, request_part)))
        wait_until_idle(service)
        assert memory(service) - before < 16 * MIB
        assert list(Path(service.log_file.parent / "temporary").iterdir()) == []
        for _ in range(20):
            assert service.call("GET", path, token=token).status == 200
            assert service.call("PATCH", path, {"completed": True}, token=token).status == 200

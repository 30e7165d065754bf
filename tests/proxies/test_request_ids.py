"""One request id in the proxy's log, at the instance and in the proxy's own responses."""

from __future__ import annotations

import contextlib
import re

import pytest

from tests.proxies.proxy import Proxy
from tests.server.process import Process
from tests.support.waiting import wait_until

MADE = "[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""What nginx and HAProxy make."""


def logged(proxy: Proxy, path: str, request_id: str) -> bool:
    return any(path in line and f"{{{request_id}}}" in line for line in proxy.output.splitlines())


def seen_by_the_instance(proxy: Proxy, path: str, *fields: str) -> str:
    """The id that the instance gets; the proxy's log must have the same."""
    head = "".join(f"{field}\r\n" for field in ("Host: test", *fields))
    with contextlib.closing(proxy.connect()) as connection:
        connection.send(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
        request_id: str = connection.read_response().json["HTTP_X_REQUEST_ID"]
    wait_until(lambda: logged(proxy, path, request_id), "the line in the proxy's log")
    return request_id


@pytest.mark.parametrize("given", ["mine-1.2_3", "x" * 128])
def test_a_valid_id_of_the_client_is_logged_and_passed_on(proxy: Proxy, given: str) -> None:
    assert seen_by_the_instance(proxy, "/echo/given", f"X-Request-ID: {given}") == given


@pytest.mark.parametrize(
    "fields",
    [
        (),
        ("X-Request-ID:",),
        ("X-Request-ID: a b",),
        ("X-Request-ID: <b>",),
        ("X-Request-ID: a,b",),
        ("X-Request-ID: " + "x" * 129,),
    ],
    ids=str,
)
def test_any_other_is_replaced_by_a_new_one(proxy: Proxy, fields: tuple[str, ...]) -> None:
    first, second = (seen_by_the_instance(proxy, "/echo/made", *fields) for _ in range(2))
    assert re.fullmatch(MADE, first)
    assert re.fullmatch(MADE, second)
    assert first != second


def test_of_two_ids_at_most_one_is_passed_on(proxy: Proxy) -> None:
    """nginx below 1.23 takes the first; later ones, and HAProxy, make a new one."""
    request_id = seen_by_the_instance(proxy, "/echo/two", "X-Request-ID: one", "X-Request-ID: two")
    assert re.fullmatch(f"one|{MADE}", request_id)


def test_the_trace_is_passed_on(proxy: Proxy) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    with contextlib.closing(proxy.connect()) as connection:
        connection.send(f"GET /echo HTTP/1.1\r\nHost: test\r\ntraceparent: {trace}\r\n\r\n".encode())
        assert connection.read_response().json["HTTP_TRACEPARENT"] == trace


def test_an_error_of_the_proxy_itself_has_the_id_of_its_log_line(proxy: Proxy, instances: list[Process]) -> None:
    too_large = "POST /large HTTP/1.1\r\nHost: test\r\nX-Request-ID: too-large\r\nContent-Length: 5000000\r\n\r\n"
    with contextlib.closing(proxy.connect()) as connection:
        connection.send(too_large.encode())
        response = connection.read_response()
    assert (response.status, response.headers["x-request-id"]) == (413, "too-large")
    for instance in instances:
        instance.stop()
    with contextlib.closing(proxy.connect()) as connection:
        connection.send(b"GET /gone HTTP/1.1\r\nHost: test\r\nX-Request-ID: nobody-there\r\n\r\n")
        response = connection.read_response()
    assert (response.status, response.headers["x-request-id"]) == (503, "nobody-there")
    wait_until(lambda: logged(proxy, "/large", "too-large"), "the line of the first")
    wait_until(lambda: logged(proxy, "/gone", "nobody-there"), "the line of the second")

"""The configurations of deploy/ in real proxies: which requests reach an instance, and which do not."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path

import pytest

from tests.proxies.proxy import Proxy
from tests.server.malformed import ALL
from tests.server.process import Process
from tests.support.http import Connection
from tests.support.waiting import wait_until

REJECTED = (
    *("no_host", "two_hosts", "a_list_of_hosts", "two_lengths", "chunked_twice", "a_coding_behind_a_tab_stop"),
    "a_space_before_the_colon",
)
"""Requests that both proxies reject themselves."""

REPAIRED = (
    *("both_lengths", "both_lengths_reversed", "the_same_host_twice", "the_same_length_twice", "a_list_of_lengths"),
)
"""Requests that nginx rejects and that HAProxy forwards in an unambiguous form."""

QUIET = 1.0
"""Seconds: long enough for a response. A proxy that waits for more bytes sends none."""

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"


class TestAnInstance:
    @pytest.mark.parametrize("proxy", ["haproxy"], indirect=True)
    def test_that_is_not_ready_gets_no_traffic_until_it_is(
        self, proxy: Proxy, instances: list[Process], tmp_path: Path
    ) -> None:
        def reached() -> set[int]:
            return {proxy.pid_behind() for _ in range(6)}

        (tmp_path / "unready-1").touch()
        wait_until(lambda: reached() == {instances[1].pid}, "the instance to be left out")
        (tmp_path / "unready-1").unlink()
        wait_until(lambda: reached() == {instance.pid for instance in instances}, "the instance to be back")


class TestTheClient:
    def test_is_identified_by_its_address_not_by_its_headers(self, proxy: Proxy) -> None:
        connection = proxy.connect()
        connection.send(
            b"GET /echo HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n"
            b"Forwarded: for=192.0.2.1\r\nX_Forwarded_For: 192.0.2.1\r\n"
            b"X-Forwarded-Host: evil.example\r\nX-Forwarded-Prefix: /evil\r\n\r\n"
        )
        seen = connection.read_response().json
        connection.close()
        assert seen["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"
        assert seen["HTTP_X_FORWARDED_PROTO"] == "http"
        assert not {"HTTP_FORWARDED", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PREFIX"} & seen.keys()

    def test_gets_an_error_in_the_envelope_for_too_large_a_body(self, proxy: Proxy) -> None:
        with contextlib.closing(proxy.connect()) as connection:
            connection.send(b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 5000000\r\n\r\n")
            response = connection.read_response()
        assert response.status == 413
        assert response.json["error"]["code"] == "PAYLOAD_TOO_LARGE"

    @pytest.mark.parametrize("proxy", ["nginx"], indirect=True)
    @pytest.mark.parametrize(
        ("sent", "status"),
        [
            (b"OPTIONS * HTTP/1.1\r\nHost: test\r\n\r\n", 400),
            (b"GET /a b HTTP/1.1\r\nHost: test\r\n\r\n", 400),
            (b"GET / HTTP/2.0\r\nHost: test\r\n\r\n", 400),
            (b"GET / HTTP/9.9\r\nHost: test\r\n\r\n", 400),
            (b"GET nowhere HTTP/1.1\r\nHost: test\r\n\r\n", 400),
            (b"CONNECT test:80 HTTP/1.1\r\nHost: test\r\n\r\n", 400),
            (b"TRACE / HTTP/1.1\r\nHost: test\r\n\r\n", 400),
            (b"get / HTTP/1.1\r\nHost: test\r\n\r\n", 400),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: test\r\nContent-Length: x\r\n\r\n", 400),
            (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: test\r\n\r\n", 431),
            (b"GET / HTTP/1.1\r\nHost: test\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n", 431),
            (b"GET /.nginx/bad-request HTTP/1.1\r\nHost: test\r\n\r\n", 404),
            (b"GET /.nginx/ HTTP/1.1\r\nHost: test\r\n\r\n", 404),
        ],
        ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else str(value),
    )
    def test_gets_nginx_own_errors_in_the_envelope(self, proxy: Proxy, sent: bytes, status: int) -> None:
        with contextlib.closing(proxy.connect()) as connection:
            connection.send(sent)
            response = connection.read_response()
        assert response.status == status
        assert set(response.json["error"]) == {"code", "message"}
        assert response.headers["content-type"] == "application/json"
        assert response.headers["cache-control"] == "no-store"

    @pytest.mark.parametrize("status", [401, 413, 415, 429])
    def test_gets_the_response_to_a_head_while_it_sends_the_body(self, proxy: Proxy, status: int) -> None:
        with contextlib.closing(proxy.connect()) as connection:
            connection.send(
                b"POST /echo HTTP/1.1\r\nHost: test\r\nX-Reject: %d\r\nContent-Length: 1000000\r\n\r\n" % status
            )
            # HAProxy waits for as much as it holds.
            connection.send(b"x" * 200_000)
            assert connection.read_response().status == status

    def test_gets_an_error_in_the_envelope_when_no_instance_is_left(
        self, proxy: Proxy, instances: list[Process]
    ) -> None:
        for instance in instances:
            instance.stop()
        response = proxy.get("/echo")
        assert response.status == 503
        assert response.json["error"]["code"] == "OVERLOADED"


def test_an_ambiguous_request_is_rejected_before_it_reaches_an_instance(
    proxy: Proxy, instances: list[Process], tmp_path: Path
) -> None:
    records = [tmp_path / f"record-{number}" for number in (1, 2)]
    before = requests_in(records)
    for name in (*REJECTED, *REPAIRED):
        if name in REJECTED or "nginx" in proxy.name:
            assert first_status(proxy, ALL[name]) in (400, 501), name
    assert requests_in(records) == before
    assert [line for instance in instances for line in instance.log().splitlines() if "refused" in line] == []


@pytest.mark.parametrize("proxy", ["haproxy"], indirect=True)
def test_a_request_repaired_by_haproxy_reaches_an_instance_unambiguously(
    proxy: Proxy, instances: list[Process]
) -> None:
    for name in REPAIRED:
        # An instance would reject both lengths, or two hosts, with 400.
        with contextlib.closing(proxy.connect()) as connection:
            connection.send(ALL[name] + SMUGGLED)
            response = connection.read_response()
            assert response.status == 200, name
            assert response.json["HTTP_HOST"] in ("test", "a"), name
            if "both" in name:
                assert connection.rest() == b"", name
    assert [line for instance in instances for line in instance.log().splitlines() if "refused" in line] == []


def first_status(proxy: Proxy, sent: bytes) -> int:
    with contextlib.closing(proxy.connect()) as connection:
        connection.send(sent)
        line = connection.socket.recv(65536).split(b"\r\n")[0]
        return int(line.split(b" ")[1])


def test_no_request_is_smuggled_past_the_proxy(proxy: Proxy, instances: list[Process], tmp_path: Path) -> None:
    records = [tmp_path / f"record-{number}" for number in (1, 2)]
    for name, request_bytes in ALL.items():
        before = requests_in(records)
        with contextlib.closing(proxy.connect()) as client:
            responses = Responses(client)
            with contextlib.suppress(OSError):
                client.send(request_bytes + SMUGGLED)
            responses.receive(QUIET)
            # Further requests on the proxy's connections to the instances would get the response to a smuggled one.
            for number in range(4):
                with contextlib.closing(proxy.connect()) as connection:
                    assert connection.get(f"/echo/{number}").json["PATH_INFO"] == f"/echo/{number}", name
            reached = (requests_in(records) - before).total() - 4
            # A busy machine may have done a request and not yet delivered its response.
            wait_until(lambda: responses.receive(0.1) >= reached, f"{name}: the responses to {reached}", 20)  # noqa: B023


def requests_in(records: list[Path]) -> Counter[str]:
    lines = [line for record in records if record.exists() for line in record.read_text().splitlines()]
    return Counter(line for line in lines if not line.endswith(" /ready"))


class Responses:
    """The responses that a client gets on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._socket = connection.socket
        self._received = b""

    def receive(self, quiet: float) -> int:
        """Receive until the connection ends, or nothing comes for `quiet` seconds; the number of responses so far."""
        with contextlib.suppress(OSError):
            self._socket.settimeout(quiet)
            while piece := self._socket.recv(65536):
                self._received += piece
        return self._received.count(b"HTTP/1.1 ")

"""The configurations of deploy/ with the real proxies: an instance may go at any time, and nothing is smuggled past."""

from __future__ import annotations

import contextlib
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.proxies.load import CLIENTS, Load, load
from tests.proxies.proxy import Proxy
from tests.server.process import Process, wait_until
from tests.server.test_refusals import ALL

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"

SETTLED = 3.0
"""Seconds after which a proxy must know that an instance is gone."""


def run_for(seen: Load, requests: int) -> None:
    """Until so many more requests were answered."""
    goal = seen.answered + requests
    wait_until(lambda: seen.answered >= goal, f"{requests} answers", patience=20)


class TestAnInstance:
    def test_that_is_killed_under_load_costs_only_what_it_was_working_at(
        self, proxy: Proxy, instances: list[Process]
    ) -> None:
        with load(proxy.port) as seen:
            run_for(seen, 200)
            instances[0].stop()
            killed = time.monotonic()
            run_for(seen, 200)
            wait_until(lambda: time.monotonic() > killed + SETTLED, "the proxy to settle")
            run_for(seen, 200)
        print(f"killed: {seen.answered} answered, {len(seen.failures)} failed: {seen.failures}")
        assert [failure for failure in seen.failures if failure.method == "GET"] == []
        assert [failure for failure in seen.failures if failure.began > killed] == []
        assert len(seen.failures) <= CLIENTS

    def test_that_is_told_to_stop_under_load_costs_nothing(self, proxy: Proxy, instances: list[Process]) -> None:
        with load(proxy.port) as seen:
            run_for(seen, 200)
            instances[0].send_signal(signal.SIGTERM)
            assert instances[0].exit_status() == 0
            run_for(seen, 200)
        print(f"stopped: {seen.answered} answered, {len(seen.failures)} failed")
        assert seen.failures == []

    @pytest.mark.parametrize("proxy", ["haproxy"], indirect=True)
    def test_that_is_not_ready_gets_no_traffic_until_it_is(
        self, proxy: Proxy, instances: list[Process], tmp_path: Path
    ) -> None:
        def reached() -> set[int]:
            pids = set()
            for _ in range(6):
                connection = proxy.connect()
                pids.add(connection.get("/echo").json["pid"])
                connection.close()
            return pids

        (tmp_path / "unready-1").touch()
        wait_until(lambda: reached() == {instances[1].pid}, "the instance to be left out")
        (tmp_path / "unready-1").unlink()
        wait_until(lambda: reached() == {instance.pid for instance in instances}, "the instance to be back")


class TestTheClient:
    def test_is_known_by_its_address_and_not_by_what_it_says(self, proxy: Proxy) -> None:
        connection = proxy.connect()
        connection.send(
            b"GET /echo HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n"
            b"Forwarded: for=192.0.2.1\r\nX_Forwarded_For: 192.0.2.1\r\n\r\n"
        )
        seen = connection.answer().json
        connection.close()
        assert seen["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"
        assert seen["HTTP_X_FORWARDED_PROTO"] == "http"
        assert "HTTP_FORWARDED" not in seen

    def test_is_told_of_too_large_a_body_in_the_envelope(self, proxy: Proxy) -> None:
        with contextlib.closing(proxy.connect()) as connection:
            connection.send(b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 5000000\r\n\r\n")
            answer = connection.answer()
        assert answer.status == 413
        assert answer.json["error"]["code"] == "PAYLOAD_TOO_LARGE"

    def test_is_told_in_the_envelope_that_no_instance_is_left(self, proxy: Proxy, instances: list[Process]) -> None:
        for instance in instances:
            instance.stop()
        connection = proxy.connect()
        answer = connection.get("/echo")
        connection.close()
        assert answer.status in (502, 503)
        assert answer.json["error"]["code"] == "OVERLOADED"


def test_nothing_reaches_the_application_that_the_proxy_did_not_see_as_a_request(
    proxy: Proxy, instances: list[Process], tmp_path: Path
) -> None:
    records = [tmp_path / f"record-{number}" for number in (1, 2)]
    for name, request_bytes in ALL.items():
        before = requests_in(records)
        answers = answers_to(proxy, request_bytes + SMUGGLED)
        # Requests of our own, on the connections that the proxy keeps to the instances, bring out what hid there.
        for number in range(4):
            with contextlib.closing(proxy.connect()) as connection:
                assert connection.get(f"/echo/{number}").json["PATH_INFO"] == f"/echo/{number}", name
        reached = requests_in(records) - before
        assert reached.total() - 4 <= answers, f"{name}: {reached} for {answers} answers"


def requests_in(records: list[Path]) -> Counter[str]:
    lines = [line for record in records if record.exists() for line in record.read_text().splitlines()]
    return Counter(line for line in lines if not line.endswith(" /ready"))


def answers_to(proxy: Proxy, sent: bytes) -> int:
    """How many answers a client gets that sends this."""
    received = b""
    with contextlib.closing(proxy.connect()) as connection, contextlib.suppress(OSError):
        # Long enough for an answer; a proxy that waits for more bytes has none to give.
        connection.socket.settimeout(2)
        connection.send(sent)
        while piece := connection.socket.recv(65536):
            received += piece
    return received.count(b"HTTP/1.1 ")

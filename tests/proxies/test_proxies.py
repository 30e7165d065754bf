"""The configurations of deploy/ with the real proxies: what reaches an instance, and what never does."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path

import pytest

from tests.proxies.proxy import Proxy
from tests.server.malformed import ALL
from tests.server.process import Process
from tests.support.waiting import wait_until

REFUSED = (
    *("no_host", "two_hosts", "a_list_of_hosts", "two_lengths", "chunked_twice", "a_coding_behind_a_tab_stop"),
    "a_space_before_the_colon",
)
"""What either proxy answers by itself."""

REPAIRED = (
    *("both_lengths", "both_lengths_reversed", "the_same_host_twice", "the_same_length_twice", "a_list_of_lengths"),
)
"""What nginx refuses as well, and HAProxy passes on with one reading left."""

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
        answer = proxy.get("/echo")
        assert answer.status == 503
        assert answer.json["error"]["code"] == "OVERLOADED"


def test_what_could_be_read_in_two_ways_is_refused_before_an_instance_sees_it(
    proxy: Proxy, instances: list[Process], tmp_path: Path
) -> None:
    records = [tmp_path / f"record-{number}" for number in (1, 2)]
    before = requests_in(records)
    for name in (*REFUSED, *REPAIRED):
        if name in REFUSED or "nginx" in proxy.name:
            assert first_status(proxy, ALL[name]) in (400, 501), name
    assert requests_in(records) == before
    assert [line for instance in instances for line in instance.log().splitlines() if "refused" in line] == []


@pytest.mark.parametrize("proxy", ["haproxy"], indirect=True)
def test_what_haproxy_repairs_reaches_an_instance_in_one_reading(proxy: Proxy, instances: list[Process]) -> None:
    for name in REPAIRED:
        # An instance would refuse both lengths, or two hosts, with 400.
        with contextlib.closing(proxy.connect()) as connection:
            connection.send(ALL[name] + SMUGGLED)
            answer = connection.answer()
            assert answer.status == 200, name
            assert answer.json["HTTP_HOST"] in ("test", "a"), name
            if "both" in name:
                assert connection.rest() == b"", name
    assert [line for instance in instances for line in instance.log().splitlines() if "refused" in line] == []


def first_status(proxy: Proxy, sent: bytes) -> int:
    with contextlib.closing(proxy.connect()) as connection:
        connection.send(sent)
        line = connection.socket.recv(65536).split(b"\r\n")[0]
        return int(line.split(b" ")[1])


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

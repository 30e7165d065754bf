"""Password attempts are limited by address, by account, and by the number of threads for bcrypt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import bcrypt
import pytest
from falcon.testing import Result, TestClient

from tests.support.callers import Caller, error_of

DEADLINE = 60.0

YEAR = 360 * 24 * 3600
"""Seconds of a window in these tests: none ends while one runs."""


def log_in(client: TestClient, email: str, address: str = "192.0.2.1", **headers: str) -> Result:
    result: Result = client.simulate_post(
        "/auth/login", json={"email": email, "password": "wrong horse"}, remote_addr=address, headers=headers
    )
    return result


def statuses(responses: list[Result]) -> list[int]:
    return [response.status_code for response in responses]


class TestThrottle:
    @pytest.fixture
    def throttled(self, make_client: Callable[..., TestClient]) -> TestClient:
        return make_client(AUTH_RATE_LIMIT="3/year")

    def test_the_attempts_of_an_address_are_limited(self, throttled: TestClient) -> None:
        responses = [log_in(throttled, f"{number}@example.com") for number in range(4)]

        assert statuses(responses) == [401, 401, 401, 429]
        assert error_of(responses[3]) == (429, "RATE_LIMITED")
        assert 1 <= int(responses[3].headers["retry-after"]) <= YEAR
        assert log_in(throttled, "5@example.com", address="192.0.2.2").status_code == 401

    def test_the_failures_of_an_account_are_limited_across_addresses_and_case(
        self, make_client: Callable[..., TestClient]
    ) -> None:
        throttled = make_client(AUTH_RATE_LIMIT="3/year", WORKERS="1")
        spellings = ["ada@example.com", "Ada@Example.com", "ADA@EXAMPLE.COM", "ada@example.COM"] * 4
        responses = [log_in(throttled, email, address=f"192.0.2.{number}") for number, email in enumerate(spellings)]

        assert statuses(responses) == [401] * 12 + [429] * 4
        assert error_of(responses[12]) == (429, "RATE_LIMITED")
        assert responses[12].headers["ratelimit"].startswith('"auth";r=0;')
        assert 1 <= int(responses[12].headers["retry-after"]) <= YEAR
        assert log_in(throttled, "ben@example.com", address="192.0.2.99").status_code == 401

    def test_workers_that_count_in_memory_share_the_limit_of_an_account(
        self, make_client: Callable[..., TestClient]
    ) -> None:
        worker = make_client(AUTH_RATE_LIMIT="3/year", WORKERS="4")
        responses = [log_in(worker, "ada@example.com", address=f"192.0.2.{number}") for number in range(5)]

        assert statuses(responses) == [401] * 3 + [429] * 2

    def test_registrations_count_as_attempts(self, throttled: TestClient) -> None:
        responses = [
            throttled.simulate_post(
                "/auth/register",
                json={"email": f"{number}@example.com", "password": "correct horse"},
                remote_addr="192.0.2.1",
            )
            for number in range(4)
        ]

        assert statuses(responses) == [201, 201, 201, 429]
        assert log_in(throttled, "9@example.com").status_code == 429

    def test_a_throttled_attempt_does_not_run_bcrypt(
        self, throttled: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(3):
            log_in(throttled, "ada@example.com")

        monkeypatch.setattr(bcrypt, "checkpw", lambda *_: pytest.fail("bcrypt ran"))

        assert log_in(throttled, "ada@example.com").status_code == 429

    def test_the_addresses_of_one_ipv6_network_count_as_one(self, throttled: TestClient) -> None:
        addresses = [f"2001:db8:0:1::{number:x}" for number in range(4)]
        responses = [log_in(throttled, f"{number}@example.com", each) for number, each in enumerate(addresses)]

        assert statuses(responses) == [401, 401, 401, 429]
        assert log_in(throttled, "other@example.com", "2001:db8:0:2::1").status_code == 401

    def test_each_ipv4_address_counts_separately_in_every_spelling(self, throttled: TestClient) -> None:
        addresses = [f"::ffff:192.0.2.{number}" for number in range(1, 6)]
        responses = [log_in(throttled, f"{number}@example.com", each) for number, each in enumerate(addresses)]

        assert statuses(responses) == [401] * 5

    @pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
    def test_a_forged_address_changes_nothing(self, throttled: TestClient, header: str) -> None:
        responses = [
            log_in(throttled, f"{number}@example.com", **{header: f"for=198.51.100.{number}"})
            if header == "Forwarded"
            else log_in(throttled, f"{number}@example.com", **{header: f"198.51.100.{number}"})
            for number in range(4)
        ]

        assert statuses(responses) == [401, 401, 401, 429]

    def test_behind_a_trusted_proxy_the_clients_address_counts(self, make_client: Callable[..., TestClient]) -> None:
        client = make_client(AUTH_RATE_LIMIT="3/year", TRUSTED_PROXY="192.0.2.0/24")

        for number in range(6):
            forwarded = {"X-Forwarded-For": f"198.51.100.{number}"}
            assert log_in(client, f"{number}@example.com", **forwarded).status_code == 401
        # The client's forged entry is left of the entry that the proxy appends.
        forged = [
            log_in(client, f"f{number}@example.com", **{"X-Forwarded-For": f"203.0.113.{number}, 198.51.100.99"})
            for number in range(4)
        ]
        assert statuses(forged) == [401, 401, 401, 429]

    def test_nothing_is_counted_without_a_limit(self, client: TestClient) -> None:
        assert {log_in(client, "ada@example.com").status_code for _ in range(30)} == {401}

    def test_every_response_reports_the_limit(self, make_client: Callable[..., TestClient]) -> None:
        response = log_in(make_client(AUTH_RATE_LIMIT="20/minute"), "ada@example.com")

        assert response.headers["ratelimit-policy"] == '"auth";q=20;w=60'


class TestThreads:
    """Concurrent logins leave threads for other requests: bcrypt may use only some threads, with a short queue."""

    def test_bcrypt_never_takes_all_threads(
        self, make_client: Callable[..., TestClient], make_user: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = make_client(THREADS="4")
        user = make_user(through=client)
        release, hashing = threading.Event(), threading.Semaphore(0)
        busy: list[int] = []
        check = bcrypt.checkpw

        def slow(*arguments: Any) -> bool:
            busy.append(threading.get_ident())
            hashing.release()
            release.wait(DEADLINE)
            return check(*arguments)

        monkeypatch.setattr(bcrypt, "checkpw", slow)
        with ThreadPoolExecutor(4) as workers:
            try:
                logins = [workers.submit(log_in, client, f"{number}@example.com") for number in range(6)]
                assert hashing.acquire(timeout=DEADLINE)
                # The same four threads serve this request.
                listing = workers.submit(user, "GET", "/api/tasks")
                assert listing.result(timeout=DEADLINE).status_code == 200
                assert len(set(busy)) < 4
            finally:
                release.set()
            responses = [login.result(timeout=DEADLINE) for login in logins]

        assert set(statuses(responses)) == {401, 503}
        for response in responses:
            if response.status_code == 503:
                assert error_of(response) == (503, "OVERLOADED")
                assert int(response.headers["retry-after"]) >= 1

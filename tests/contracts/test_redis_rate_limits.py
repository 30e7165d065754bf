"""Rate limits that several processes count together in Redis; without Redis, task calls pass, and log-ins do not."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing

import pytest
from falcon.testing import Result, TestClient

from tests.support.callers import Caller, error_of
from tests.support.ports import free_port
from tests.support.redis import Redis
from tests.support.waiting import WAIT_TIMEOUT, wait_until

SOON = 30.0
"""Seconds. A hanging Redis is tried once, for a quarter of a second; without that limit it would be for ever."""


@pytest.fixture(autouse=True)
def lasting_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that failed is not tried again while a test runs."""
    monkeypatch.setattr("api.rate_limits.PAUSE_AFTER_FAILURE", 3600.0)


def log_in(client: TestClient) -> Result:
    credentials = {"email": "ada@example.com", "password": "wrong horse"}
    result: Result = client.simulate_post("/auth/login", json=credentials, remote_addr="192.0.2.1")
    return result


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "api.rate_limits"]


def test_two_instances_count_together(
    redis: Redis, make_client: Callable[..., TestClient], make_user: Callable[..., Caller]
) -> None:
    instances = [make_client(RATE_LIMIT="4/year", RATE_LIMIT_STORAGE=redis.patient_url) for _ in range(2)]
    here = make_user(through=instances[0])
    there = make_user(here.user_id, through=instances[1])
    other = make_user(through=instances[1])

    responses = [caller("GET", "/api/tasks") for caller in (here, there, here, there, here, there)]

    assert [response.status_code for response in responses] == [200] * 4 + [429] * 2
    assert error_of(responses[5]) == (429, "RATE_LIMITED")
    assert '"user";r=3;' in responses[0].headers["ratelimit"]
    assert '"user";r=2;' in responses[1].headers["ratelimit"]
    assert other("GET", "/api/tasks").status_code == 200


def test_login_attempts_are_counted_together(redis: Redis, make_client: Callable[..., TestClient]) -> None:
    instances = [make_client(AUTH_RATE_LIMIT="3/year", RATE_LIMIT_STORAGE=redis.patient_url) for _ in range(2)]

    statuses = [log_in(instances[number % 2]).status_code for number in range(4)]

    assert statuses == [401, 401, 401, 429]


def test_the_store_holds_no_email(redis: Redis, make_client: Callable[..., TestClient]) -> None:
    client = make_client(AUTH_RATE_LIMIT="3/year", RATE_LIMIT_STORAGE=redis.patient_url)
    log_in(client)

    keys = redis.send("KEYS *")
    assert "email" in keys
    assert "example.com" not in keys


def test_while_redis_is_down_requests_pass_and_the_log_reports_it(
    make_client: Callable[..., TestClient], make_user: Callable[..., Caller], caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    user = make_user(through=make_client(RATE_LIMIT="1/year", RATE_LIMIT_STORAGE=nowhere))

    with caplog.at_level(logging.WARNING):
        started = time.monotonic()
        responses = [user("GET", "/api/tasks") for _ in range(3)]

    assert [response.status_code for response in responses] == [200] * 3
    assert time.monotonic() - started < SOON
    assert not any("ratelimit" in response.headers for response in responses)
    assert len(warnings_of(caplog)) == 1
    assert "requests pass" in warnings_of(caplog)[0]


def test_a_hanging_redis_delays_requests_only_briefly(
    make_client: Callable[..., TestClient], make_user: Callable[..., Caller], caplog: pytest.LogCaptureFixture
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as hung:
        url = f"redis://127.0.0.1:{hung.getsockname()[1]}/0"
        user = make_user(through=make_client(RATE_LIMIT="1/year", RATE_LIMIT_STORAGE=url))
        with caplog.at_level(logging.WARNING):
            started = time.monotonic()
            responses = [user("GET", "/api/tasks") for _ in range(10)]

        assert {response.status_code for response in responses} == {200}
        assert time.monotonic() - started < SOON
        assert len(warnings_of(caplog)) == 1


def test_a_hanging_redis_delays_log_ins_only_briefly_and_they_are_counted(
    make_client: Callable[..., TestClient], caplog: pytest.LogCaptureFixture
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as hung:
        url = f"redis://127.0.0.1:{hung.getsockname()[1]}/0"
        client = make_client(AUTH_RATE_LIMIT="3/year", RATE_LIMIT_STORAGE=url)
        with caplog.at_level(logging.WARNING):
            started = time.monotonic()
            statuses = [log_in(client).status_code for _ in range(5)]

        assert statuses == [401, 401, 401, 429, 429]
        assert time.monotonic() - started < SOON
        assert len(warnings_of(caplog)) == 1


def test_what_was_counted_in_redis_counts_when_it_is_gone(redis: Redis, make_client: Callable[..., TestClient]) -> None:
    client = make_client(AUTH_RATE_LIMIT="3/year", RATE_LIMIT_STORAGE=redis.patient_url)
    statuses = [log_in(client).status_code for _ in range(2)]
    redis.stop()

    statuses += [log_in(client).status_code for _ in range(2)]

    assert statuses == [401, 401, 401, 429]


def test_counting_resumes_when_redis_is_back(
    redis: Redis,
    make_client: Callable[..., TestClient],
    make_user: Callable[..., Caller],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.rate_limits.PAUSE_AFTER_FAILURE", 0.1)
    user = make_user(through=make_client(RATE_LIMIT="1000/year", RATE_LIMIT_STORAGE=redis.patient_url))
    assert "ratelimit" in user("GET", "/api/tasks").headers
    redis.stop()
    assert "ratelimit" not in user("GET", "/api/tasks").headers

    redis.start()

    wait_until(lambda: "ratelimit" in user("GET", "/api/tasks").headers, "calls to be counted")


def test_counts_of_many_threads_are_exact(
    redis: Redis, make_client: Callable[..., TestClient], make_user: Callable[..., Caller]
) -> None:
    user = make_user(through=make_client(RATE_LIMIT="20/year", RATE_LIMIT_STORAGE=redis.patient_url))
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.extend(user("GET", "/api/tasks").status_code for _ in range(8)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=WAIT_TIMEOUT)

    assert sorted(statuses) == [200] * 20 + [429] * 12

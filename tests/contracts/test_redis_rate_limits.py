"""Rate limits counted in Redis, by many processes together; and what happens without Redis: requests pass."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from falcon.testing import Result, TestClient

from tests.conftest import Caller, error_of

DEADLINE = 10.0
SOON = 3.0
"""Seconds in which a request has to pass that waits for a Redis which does not answer."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Redis:
    """A redis-server of the tests' own, which keeps nothing."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self._command = [
            self._find(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
            "--dir", str(directory),
        ]  # fmt: skip
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @staticmethod
    def _find() -> str:
        found = shutil.which("redis-server")
        if found is None and os.environ.get("CI"):
            pytest.fail("redis-server is not installed (Debian: apt-get install redis-server)")
        if found is None:
            pytest.skip("needs redis-server (Debian: apt-get install redis-server)")
        return found

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + DEADLINE
        while True:
            try:
                with closing(socket.create_connection(("127.0.0.1", self.port), timeout=1)) as connection:
                    connection.sendall(b"PING\r\n")
                    if connection.recv(100).startswith(b"+PONG"):
                        return
            except OSError:
                pass
            assert time.monotonic() < deadline
            assert self._process.poll() is None
            time.sleep(0.02)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=DEADLINE)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    server = Redis(tmp_path)
    yield server
    server.stop()


def log_in(client: TestClient) -> Result:
    credentials = {"email": "ada@example.com", "password": "wrong horse"}
    result: Result = client.simulate_post("/auth/login", json=credentials, remote_addr="192.0.2.1")
    return result


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "api.rate_limits"]


def test_two_instances_count_together(
    redis: Redis, make_client: Callable[..., TestClient], make_user: Callable[..., Caller]
) -> None:
    instances = [make_client(RATE_LIMIT="4/hour", RATE_LIMIT_STORAGE=redis.url) for _ in range(2)]
    here = make_user(through=instances[0])
    there = make_user(here.user_id, through=instances[1])
    other = make_user(through=instances[1])

    answers = [caller("GET", "/api/tasks") for caller in (here, there, here, there, here, there)]

    assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 2
    assert error_of(answers[5]) == (429, "RATE_LIMITED")
    assert '"user";r=3;' in answers[0].headers["ratelimit"]
    assert '"user";r=2;' in answers[1].headers["ratelimit"]
    assert other("GET", "/api/tasks").status_code == 200


def test_tries_to_log_in_are_counted_together_too(redis: Redis, make_client: Callable[..., TestClient]) -> None:
    instances = [make_client(AUTH_RATE_LIMIT="3/hour", RATE_LIMIT_STORAGE=redis.url) for _ in range(2)]

    statuses = [log_in(instances[number % 2]).status_code for number in range(4)]

    assert statuses == [401, 401, 401, 429]


def test_the_store_holds_no_email(redis: Redis, make_client: Callable[..., TestClient]) -> None:
    client = make_client(AUTH_RATE_LIMIT="3/hour", RATE_LIMIT_STORAGE=redis.url)
    log_in(client)

    with closing(socket.create_connection(("127.0.0.1", redis.port), timeout=DEADLINE)) as connection:
        connection.sendall(b"KEYS *\r\n")
        keys = connection.recv(65_536).decode()
    assert "email" in keys
    assert "ada" not in keys


def test_redis_that_is_down_lets_requests_pass_and_the_log_says_so(
    make_client: Callable[..., TestClient], make_user: Callable[..., Caller], caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    user = make_user(through=make_client(RATE_LIMIT="1/hour", RATE_LIMIT_STORAGE=nowhere))

    with caplog.at_level(logging.WARNING):
        started = time.monotonic()
        answers = [user("GET", "/api/tasks") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert time.monotonic() - started < SOON
    assert not any("ratelimit" in answer.headers for answer in answers)
    assert len(warnings_of(caplog)) == 1
    assert "requests pass" in warnings_of(caplog)[0]


def test_redis_that_hangs_holds_nobody_up_for_long(
    make_client: Callable[..., TestClient], make_user: Callable[..., Caller], caplog: pytest.LogCaptureFixture
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as hung:
        url = f"redis://127.0.0.1:{hung.getsockname()[1]}/0"
        user = make_user(through=make_client(RATE_LIMIT="1/hour", RATE_LIMIT_STORAGE=url))
        with caplog.at_level(logging.WARNING):
            started = time.monotonic()
            answers = [user("GET", "/api/tasks") for _ in range(10)]

        assert {answer.status_code for answer in answers} == {200}
        assert time.monotonic() - started < SOON
        assert len(warnings_of(caplog)) == 1


def test_counting_goes_on_once_redis_is_back(
    redis: Redis,
    make_client: Callable[..., TestClient],
    make_user: Callable[..., Caller],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.rate_limits.PAUSE_AFTER_FAILURE", 0.1)
    user = make_user(through=make_client(RATE_LIMIT="1000/hour", RATE_LIMIT_STORAGE=redis.url))
    assert "ratelimit" in user("GET", "/api/tasks").headers
    redis.stop()
    assert "ratelimit" not in user("GET", "/api/tasks").headers

    redis.start()

    deadline = time.monotonic() + DEADLINE
    while "ratelimit" not in user("GET", "/api/tasks").headers:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_counts_of_many_threads_are_exact(
    redis: Redis, make_client: Callable[..., TestClient], make_user: Callable[..., Caller]
) -> None:
    user = make_user(through=make_client(RATE_LIMIT="20/hour", RATE_LIMIT_STORAGE=redis.url))
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.extend(user("GET", "/api/tasks").status_code for _ in range(8)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=DEADLINE)

    assert sorted(statuses) == [200] * 20 + [429] * 12

"""A password is guessed at the real process, from many addresses and in many spellings of the e-mail."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from tests.support.http import Response
from tests.support.processes import Service
from tests.support.redis import Redis

LETTERS = ("\u0130", "i\u0307", "I\u0307")
SPELLINGS = ["".join(letters) + "@example.com" for letters in itertools.product(LETTERS[:2], repeat=6)]
"""Those of one e-mail with six letters İ."""

LIMIT = 5
"""Log-ins a year: no window ends while a test runs."""

PASSWORD = "correct horse"
HOME = "198.51.100.1"


def log_in(service: Service, address: str, email: str, password: str) -> Response:
    fields = {"email": email, "password": password}
    return service.call("POST", "/auth/login", fields, headers={"X-Forwarded-For": address})


def guess(service: Service, numbers: range) -> list[int]:
    """The statuses of guesses, each from another address and in another spelling."""
    return [
        log_in(service, f"203.0.113.{number % 250}", SPELLINGS[number % len(SPELLINGS)], "wrong horse").status
        for number in numbers
    ]


@pytest.fixture
def start_guarded(start_service: Callable[..., Service]) -> Callable[..., Service]:
    """Starts two workers behind a trusted proxy, with Ada's account, which is known from her home."""

    def start(**environ: str) -> Service:
        service = start_service(WORKERS="2", AUTH_RATE_LIMIT=f"{LIMIT}/year", TRUSTED_PROXY="127.0.0.1", **environ)
        registered = service.call("POST", "/auth/register", {"email": SPELLINGS[0], "password": PASSWORD})
        assert registered.status == 201, registered
        assert log_in(service, HOME, LETTERS[2] * 6 + "@example.com", PASSWORD).status == 200
        return service

    return start


def test_guesses_are_limited_across_workers_addresses_and_spellings(start_guarded: Callable[..., Service]) -> None:
    service = start_guarded()

    statuses = guess(service, range(len(SPELLINGS)))
    # Each worker counts for itself, and one may have had few of them.
    while statuses.count(401) < 4 * LIMIT and len(statuses) < 1000:
        statuses += guess(service, range(len(statuses), len(statuses) + 10))

    assert set(statuses) == {401, 429}
    assert statuses.count(401) == 4 * LIMIT
    assert log_in(service, HOME, SPELLINGS[-1], PASSWORD).status == 200
    assert log_in(service, "203.0.113.250", SPELLINGS[0], PASSWORD).status == 429


@pytest.mark.parametrize("before", [0, 2 * LIMIT, 64])
def test_guesses_are_limited_when_redis_is_killed(
    start_guarded: Callable[..., Service], redis: Redis, before: int
) -> None:
    service = start_guarded(RATE_LIMIT_STORAGE=redis.patient_url)
    statuses = guess(service, range(before))

    redis.kill()
    statuses += guess(service, range(before, before + len(SPELLINGS)))

    assert set(statuses) == {401, 429}
    assert 2 * LIMIT <= statuses.count(401) <= 4 * LIMIT
    assert log_in(service, HOME, SPELLINGS[-1], PASSWORD).status == 200


def test_redis_counts_for_all_workers(start_guarded: Callable[..., Service], redis: Redis) -> None:
    statuses = guess(start_guarded(RATE_LIMIT_STORAGE=redis.patient_url), range(len(SPELLINGS)))

    assert statuses == [401] * 4 * LIMIT + [429] * (len(SPELLINGS) - 4 * LIMIT)

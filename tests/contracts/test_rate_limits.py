"""The rate limit of a user's task calls: its counters, 429, and the headers of draft-ietf-httpapi-ratelimit-headers-10.

Counting in Redis is in test_redis_rate_limits.py; the limit on /auth in test_account_limits.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from falcon.testing import TestClient

from tests.contracts.families import FAMILIES, Family, in_every_family
from tests.support.callers import Caller, error_of

YEAR = 31_104_000
"""Seconds: twelve months of 30 days."""


@pytest.fixture
def limited(make_client: Callable[..., TestClient]) -> TestClient:
    """An application where a user may call three times a year: no window ends while a test runs."""
    return make_client(RATE_LIMIT="3/year")


def test_every_response_reports_the_limit_and_the_remaining_calls(
    make_client: Callable[..., TestClient], make_user: Callable[..., Caller]
) -> None:
    user = make_user(through=make_client(RATE_LIMIT="600/year"))

    for left in (599, 598, 597):
        headers = user("GET", "/api/tasks").headers
        assert headers["ratelimit-policy"] == '"user";q=600;w=31104000'
        match = re.fullmatch(r'"user";r=(\d+);t=(\d+)', headers["ratelimit"])
        assert match
        assert int(match[1]) == left
        assert 1 <= int(match[2]) <= YEAR


def test_a_call_over_the_limit_is_429_with_retry_after(limited: TestClient, make_user: Callable[..., Caller]) -> None:
    user = make_user(through=limited)
    responses = [user("GET", "/api/tasks") for _ in range(5)]

    assert [response.status_code for response in responses] == [200, 200, 200, 429, 429]
    for response in responses[3:]:
        assert error_of(response) == (429, "RATE_LIMITED")
        assert 1 <= int(response.headers["retry-after"]) <= YEAR
        assert response.headers["ratelimit-policy"] == '"user";q=3;w=31104000'
        assert re.fullmatch(r'"user";r=0;t=\d+', response.headers["ratelimit"])


def test_a_rate_limited_call_stores_nothing(limited: TestClient, make_user: Callable[..., Caller]) -> None:
    user = make_user(through=limited)
    for number in range(4):
        user("POST", "/api/tasks", {"title": f"Task {number}"})

    assert make_user(user.user_id).titles() == ["Task 2", "Task 1", "Task 0"]


def test_each_user_is_counted_separately(limited: TestClient, make_user: Callable[..., Caller]) -> None:
    ada, ben = make_user(through=limited), make_user(through=limited)
    for _ in range(4):
        ada("GET", "/api/tasks")

    response = ben("GET", "/api/tasks")
    assert response.status_code == 200
    assert '"user";r=2;' in response.headers["ratelimit"]


def test_all_families_and_tokens_of_a_user_count_together(
    limited: TestClient, make_user: Callable[..., Caller]
) -> None:
    user_id = str(make_user().user_id)
    callers = [make_user(user_id, through=limited, nonce=number) for number in range(4)]
    paths = [*(family.tasks(user_id) for family in FAMILIES), "/api/tasks/1"]

    statuses = [caller("GET", path).status_code for caller, path in zip(callers, paths, strict=True)]

    assert statuses == [200, 200, 200, 429]


@in_every_family
def test_rejected_calls_of_a_known_user_count(
    limited: TestClient, make_user: Callable[..., Caller], family: Family
) -> None:
    user = make_user(through=limited)
    path = family.task(str(user.user_id), "seven")

    statuses = [user("GET", path).status_code for _ in range(4)]

    assert statuses == [family.invalid] * 3 + [429]


def test_calls_without_a_known_user_are_not_counted(
    limited: TestClient, make_user: Callable[..., Caller], anonymous: Caller
) -> None:
    user = make_user(through=limited)
    stranger = Caller(limited, None, None)
    for _ in range(5):
        assert "ratelimit" not in stranger("GET", "/api/tasks").headers
        assert "ratelimit" not in user("OPTIONS", "/api/tasks").headers
        assert "ratelimit" not in user("GET", "/health").headers
        assert "ratelimit" not in user("GET", "/nowhere").headers

    assert user("GET", "/api/tasks").status_code == 200


def test_no_limit_means_no_headers(user: Caller) -> None:
    headers = user("GET", "/api/tasks").headers

    assert not {"ratelimit", "ratelimit-policy", "retry-after"} & set(headers)

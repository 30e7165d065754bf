"""A body of 1 MiB that is not valid costs little to reject, whatever is in it."""

from __future__ import annotations

import time

import pytest
from falcon.testing import Result, TestClient

from tests.support.callers import Caller

MIB = 1024 * 1024
MOST = 0.010
"""Seconds of processor time."""

ATTEMPTS = 30
"""The least of so many counts: the collector of another test's garbage may run, or another process use the cache."""


def repeated(before: str, item: str, after: str) -> bytes:
    """1 MiB: as many items as fit, separated by commas."""
    return (before + ",".join([item] * ((MIB - len(before + after)) // (len(item) + 1))) + after).encode()


BODIES = {
    "objects for a date": repeated('{"title":"x","due_date":[', "{}", "]}"),
    "members for a date": repeated('{"title":"x","due_date":{', '"a":1', "}}"),
    "numbers for a date": repeated('{"title":"x","due_date":[', "1.5e300", "]}"),
    "numbers for a title": repeated('{"title":[', "1", "]}"),
    "arrays for a title": repeated('{"title":[', "[]", "]}"),
    "objects for an e-mail": repeated('{"password":"correct horse","email":[', "{}", "]}"),
    "objects for nobody": repeated('{"title":"","else":[', '{"a":1}', "]}"),
    "objects for a body": repeated("[", "{}", "]"),
    "numbers for a body": repeated("[", "0", "]"),
    "many members": ("{" + ",".join(f'"{number}":0' for number in range(95_000)) + "}").encode(),
    "a long title": b'{"title":"' + b"a" * MIB + b'"}',
    "a blank title": b'{"title":"' + b" " * (MIB - 20) + b'"}',
    "a title of escapes": b'{"title":"' + rb"\u0000" * 170_000 + b'"}',
    "a long number": b'{"title":' + b"9" * (MIB - 20) + b"}",
    "a long date": b'{"title":"x","due_date":"' + b"1" * (MIB - 40) + b'"}',
    "deep": b'{"title":' + b"[" * (MIB - 20),
    "cut off": repeated('{"title":"","else":[', "0", "x"),
}


@pytest.mark.parametrize("path", ["/api/tasks", "/tasks", "/auth/register"])
@pytest.mark.parametrize("name", BODIES)
def test_a_large_invalid_body_is_rejected_at_little_cost(
    client: TestClient, user: Caller, path: str, name: str
) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {user.token}"}
    least = MOST
    for _ in range(ATTEMPTS):
        before = time.thread_time()
        response: Result = client.simulate_post(path, body=BODIES[name], headers=headers)
        least = min(least, time.thread_time() - before)
        assert response.status_code in (400, 413, 422)
        if least < MOST:
            break
    assert least < MOST


def test_text_full_of_brackets_is_accepted(user: Caller) -> None:
    task = user.make_task(":" * 500, description="[{" * 5_000)

    assert (task["title"], task["description"]) == (":" * 500, "[{" * 5_000)

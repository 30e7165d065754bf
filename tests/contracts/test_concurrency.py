"""Concurrent requests of one user: no update is lost, `updated_at` never decreases, and started requests complete."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg2
import pytest
from falcon.testing import Result, TestClient

from api.postgres.database import Database
from tests.support.callers import Caller, error_of
from tests.support.waiting import wait_until

DEADLINE = 60.0
AT_ONCE = 8

WAITING = """
FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'tasks' AND wait_event_type = 'Lock'
"""
"""Sessions of the service that wait for a lock of another session."""


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        yield threads


@pytest.fixture
def path(user: Caller) -> str:
    return f"/api/tasks/{user.make_task('Buy milk')['id']}"


def version_of(response: Result) -> int:
    return int(response.headers["etag"].strip('"'))


def test_every_concurrent_toggle_counts(user: Caller, path: str, pool: ThreadPoolExecutor) -> None:
    responses = list(pool.map(lambda _: user("PATCH", f"{path}/complete"), range(AT_ONCE + 1)))

    assert {response.status_code for response in responses} == {200}
    assert sorted(version_of(response) for response in responses) == list(range(2, AT_ONCE + 3))
    in_order = sorted(responses, key=version_of)
    assert [response.json["data"]["completed"] for response in in_order] == [True, False] * (AT_ONCE // 2) + [True]


def test_changes_of_different_fields_are_both_kept(user: Caller, path: str, pool: ThreadPoolExecutor) -> None:
    changes: list[dict[str, Any]] = [
        {"title": "Changed"},
        {"description": "Two litres"},
        {"due_date": "2026-03-01"},
        {"completed": True},
    ]

    list(pool.map(lambda body: user("PATCH", path, body), changes))

    task = user("GET", path).json["data"]
    assert all(task[name] == value for change in changes for name, value in change.items())


def test_updated_at_never_runs_backwards_behind_a_lock(
    user: Caller, path: str, database: Database, database_url: str, pool: ThreadPoolExecutor
) -> None:
    other_session = psycopg2.connect(database_url)
    try:
        with other_session.cursor() as cursor:
            cursor.execute("SELECT 1 FROM tasks FOR UPDATE")
            change = pool.submit(user, "PATCH", path, {"title": "Changed"})
            wait_for_a_lock(database)
            cursor.execute("UPDATE tasks SET updated_at = clock_timestamp() RETURNING updated_at AT TIME ZONE 'UTC'")
            [(between,)] = cursor.fetchall()
        other_session.commit()
    finally:
        other_session.close()

    assert change.result(timeout=DEADLINE).json["data"]["updated_at"] > f"{between.isoformat()}Z"


def wait_for_a_lock(database: Database) -> None:
    """Wait until a session waits for a locked row."""
    wait_until(lambda: database.run(f"SELECT 1 {WAITING}"), "a session to wait for a lock")


@pytest.mark.parametrize(("key", "status", "stored"), [(None, 503, 0), ("once", 201, 1)])
def test_a_create_whose_connection_is_lost_is_repeated_only_with_a_key(
    *,
    user: Caller,
    database: Database,
    database_url: str,
    pool: ThreadPoolExecutor,
    key: str | None,
    status: int,
    stored: int,
) -> None:
    user.make_task("So that the user is there")
    headers = {"Idempotency-Key": key} if key else {}
    with contextlib.closing(psycopg2.connect(database_url)) as holder:
        holder.cursor().execute("LOCK TABLE tasks IN EXCLUSIVE MODE")
        create = pool.submit(user, "POST", "/api/tasks", {"title": "Cut off"}, headers=headers)
        wait_for_a_lock(database)
        database.run(f"SELECT pg_terminate_backend(pid, 5000) {WAITING}")

    assert create.result(timeout=DEADLINE).status_code == status
    assert user.titles().count("Cut off") == stored


def test_a_task_is_deleted_once(user: Caller, path: str, pool: ThreadPoolExecutor) -> None:
    responses = list(pool.map(lambda _: user("DELETE", path), range(AT_ONCE)))

    assert sorted(response.status_code for response in responses) == [204] + [404] * (AT_ONCE - 1)


def test_concurrent_creates_exceed_the_task_limit_by_at_most_their_number(
    make_client: Callable[..., TestClient], make_user: Callable[..., Caller], pool: ThreadPoolExecutor
) -> None:
    user = make_user(through=make_client(MAX_TASKS="5"))
    for _ in range(4):
        user.make_task()

    responses = list(pool.map(lambda _: user("POST", "/api/tasks", {"title": "x"}), range(AT_ONCE)))

    made = [response for response in responses if response.status_code == 201]
    assert 1 <= len(made) <= AT_ONCE
    assert len(user.titles()) == 4 + len(made)
    assert error_of(user("POST", "/api/tasks", {"title": "x"})) == (409, "TASK_LIMIT_REACHED")


def test_a_request_completes_although_its_token_expires_meanwhile(
    *,
    user: Caller,
    path: str,
    make_user: Callable[..., Caller],
    database: Database,
    database_url: str,
    pool: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expiry = int(time.time()) + 3600
    soon_expired = make_user(user.user_id, exp=expiry)
    other_session = psycopg2.connect(database_url)
    try:
        with other_session.cursor() as cursor:
            cursor.execute("SELECT 1 FROM tasks FOR UPDATE")
        change = pool.submit(soon_expired, "PATCH", path, {"title": "Changed"})
        wait_for_a_lock(database)
        monkeypatch.setattr(time, "time", lambda: expiry + 0.1)
        assert not change.done()
    finally:
        other_session.close()

    assert change.result(timeout=DEADLINE).status_code == 200
    assert error_of(soon_expired("GET", path)) == (401, "TOKEN_EXPIRED")
    assert user("GET", path).json["data"]["title"] == "Changed"


def test_locked_rows_of_one_user_do_not_block_other_users(
    user: Caller, path: str, make_user: Callable[..., Caller], database_url: str, database: Database
) -> None:
    other_session = psycopg2.connect(database_url)
    try:
        with other_session.cursor() as cursor:
            cursor.execute("SELECT 1 FROM tasks FOR UPDATE")
        other = make_user()
        other.make_task("Theirs")

        assert other("PATCH", "/api/tasks/1", {"title": "x"}).status_code == 404
        assert user("GET", path).status_code == 200
    finally:
        other_session.close()

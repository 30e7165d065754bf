"""Cursors: opaque positions in a sorted list that stay valid while the list changes."""

from __future__ import annotations

import itertools
import json
import random
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from api.postgres.database import Database
from tests.contracts import task_model
from tests.support.callers import Caller, error_of

UNCHANGED = 90
LIMIT = 4
CHANGES_A_PAGE = 2
DEADLINE = 60.0


def walk(user: Caller, **query: str) -> Iterator[list[dict[str, Any]]]:
    """The pages of a list, read by cursor from the first to the last."""
    cursor: dict[str, str] = {}
    while True:
        response = user("GET", "/api/tasks", params={**query, **cursor})
        assert response.status_code == 200, response.text
        yield response.json["data"]
        if response.json["pagination"]["next_cursor"] is None:
            return
        cursor = {"cursor": response.json["pagination"]["next_cursor"]}


def any_fields(numbers: random.Random) -> dict[str, Any]:
    """Random fields of a task; due dates and titles are often equal."""
    due = [None, f"2026-03-{numbers.randint(1, 28):02}", f"2026-03-{numbers.randint(1, 28):02}T12:00:00Z"]
    return {"title": f"{numbers.choice('abcXYZ')}{numbers.randint(0, 9)}", "due_date": numbers.choice(due)}


@contextmanager
def churning(user: Caller) -> Iterator[threading.Semaphore]:
    """Within this block two threads create, update and delete tasks; each change releases the semaphore."""
    stop, changed = threading.Event(), threading.Semaphore(0)
    failures: list[str] = []

    def churn(seed: int) -> None:
        numbers = random.Random(seed)
        made: list[int] = []
        while not stop.is_set():
            if len(made) > 10:
                path = f"/api/tasks/{made.pop(numbers.randrange(len(made)))}"
                responses = [user("PATCH", path, any_fields(numbers)), user("DELETE", path)]
            else:
                responses = [user("POST", "/api/tasks", any_fields(numbers))]
                made.append(responses[0].json["data"]["id"])
            failures.extend(response.text for response in responses if response.status_code >= 400)
            changed.release()

    threads = [threading.Thread(target=churn, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    try:
        yield changed
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=DEADLINE)
    assert failures == []


@pytest.mark.parametrize("order", task_model.ORDERS)
@pytest.mark.parametrize("sort", task_model.SORTS)
def test_a_walk_returns_every_unchanged_task_once_while_others_are_created_and_deleted(
    user: Caller, sort: str, order: str
) -> None:
    numbers = random.Random(7)
    unchanged = [user.make_task(**any_fields(numbers)) for _ in range(UNCHANGED)]
    seen: list[dict[str, Any]] = []

    with churning(user) as changed:
        for tasks in walk(user, sort=sort, order=order, limit=str(LIMIT)):
            seen += tasks
            for _ in range(CHANGES_A_PAGE):
                assert changed.acquire(timeout=DEADLINE)

    ids = {task["id"] for task in unchanged}
    assert [task for task in seen if task["id"] in ids] == task_model.sort(unchanged, sort, order)


class TestAWalk:
    def test_a_walk_continues_after_its_last_task_was_deleted(self, user: Caller) -> None:
        for number in range(6):
            user.make_task(f"Task {number}")
        first = user("GET", "/api/tasks", params={"limit": "2"}).json
        for task in first["data"]:
            user("DELETE", f"/api/tasks/{task['id']}")

        rest = user("GET", "/api/tasks", params={"cursor": first["pagination"]["next_cursor"]}).json

        assert [task["title"] for task in rest["data"]] == ["Task 3", "Task 2", "Task 1", "Task 0"]

    @pytest.mark.parametrize("order", task_model.ORDERS)
    @pytest.mark.parametrize("sort", task_model.SORTS)
    def test_equal_sort_values_are_walked_by_id(self, user: Caller, database: Database, sort: str, order: str) -> None:
        database.run("INSERT INTO users (id) VALUES (%s)", (user.user_id,))
        database.run(
            "INSERT INTO tasks (user_id, title, due_at, created_at, updated_at)"
            " SELECT %s, repeat('é', 450), now(), now(), now() FROM generate_series(1, 20)",
            (user.user_id,),
        )

        seen = [task["id"] for page in walk(user, sort=sort, order=order, limit="3") for task in page]

        assert len(seen) == 20
        assert seen == sorted(seen, reverse=order == "desc")

    @pytest.mark.parametrize("order", task_model.ORDERS)
    def test_titles_with_a_long_common_prefix_are_walked_in_order(self, user: Caller, order: str) -> None:
        titles = ["x" * 399 + letter for letter in "cAbDe"] + ["x" * 120 + letter for letter in "CaBd"]
        for title in titles:
            user.make_task(title)

        seen = [task["title"] for page in walk(user, sort="title", order=order, limit="2") for task in page]

        assert seen == sorted(titles, key=str.lower, reverse=order == "desc")

    def test_a_walk_keeps_its_filters(self, user: Caller) -> None:
        for number in range(8):
            user.make_task(f"Task {number}", completed=number % 2 == 0)

        seen = [task["title"] for page in walk(user, status="completed", limit="1") for task in page]

        assert seen == ["Task 6", "Task 4", "Task 2", "Task 0"]


class TestRejectedCursors:
    @pytest.fixture
    def cursor(self, user: Caller) -> str:
        for number in range(3):
            user.make_task(f"Task {number}", due_date="2026-03-01")
        return self.cursor_of(user)

    @staticmethod
    def cursor_of(user: Caller, **query: str) -> str:
        response = user("GET", "/api/tasks", params={**query, "limit": "1"}).json
        cursor: str = response["pagination"]["next_cursor"]
        return cursor

    @staticmethod
    def is_rejected(user: Caller, **query: str) -> bool:
        response = user("GET", "/api/tasks", params=query)
        if response.status_code == 200:
            return False
        assert error_of(response) == (422, "VALIDATION_ERROR")
        assert [each["field"] for each in response.json["error"]["details"]] == ["cursor"]
        return True

    def test_a_cursor_of_another_sort_or_order(self, user: Caller, cursor: str) -> None:
        listings = [{"sort": sort, "order": order} for sort in task_model.SORTS for order in task_model.ORDERS]

        for mine, other in itertools.product(listings, repeat=2):
            assert self.is_rejected(user, **other, cursor=self.cursor_of(user, **mine)) == (mine != other)

    def test_the_default_order_equals_the_same_order_named(self, user: Caller, cursor: str) -> None:
        assert not self.is_rejected(user, cursor=cursor, sort="created_at", order="desc")

    def test_a_page_together_with_a_cursor(self, user: Caller, cursor: str) -> None:
        assert self.is_rejected(user, cursor=cursor, page="1")

    def test_every_truncated_cursor(self, user: Caller, cursor: str) -> None:
        assert [length for length in range(len(cursor)) if not self.is_rejected(user, cursor=cursor[:length])] == []

    @pytest.mark.parametrize("junk", ["!", " ", "=", "\n", "é", "\0", "/", "%"])
    def test_a_garbled_cursor(self, user: Caller, cursor: str, junk: str) -> None:
        middle = len(cursor) // 2

        assert self.is_rejected(user, cursor=cursor[:middle] + junk + cursor[middle:])

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\xff\xfe",
            b"null",
            b"{}",
            b"[]",
            b'"created"',
            b"[" * 2000 + b"]" * 2000,
            b'["created",true,"2026-01-01T00:00:00Z"]',
            b'["created",true,"2026-01-01T00:00:00Z",1,1]',
            b'["created",true,"2026-01-01T00:00:00Z",0]',
            b'["created",true,"2026-01-01T00:00:00Z",-1]',
            b'["created",true,"2026-01-01T00:00:00Z",true]',
            b'["created",true,"2026-01-01T00:00:00Z",1.5]',
            b'["created",true,"2026-01-01T00:00:00Z","1"]',
            b'["created",true,"2026-01-01T00:00:00Z",9223372036854775808]',
            b'["created",true,"2026-01-01",1]',
            b'["created",true,"yesterday",1]',
            b'["created",true,"2026-01-01T00:00:60Z",1]',
            b'["created",true,"9999-12-31T23:59:59-23:59",1]',
            b'["created",true,null,1]',
            b'["created",true,12,1]',
            b'["created",true,["2026-01-01T00:00:00Z"],1]',
            b'["created","true","2026-01-01T00:00:00Z",1]',
            b'["user_id",true,"x",1]',
            b'[["created"],true,"2026-01-01T00:00:00Z",1]',
            b"[null,null,null,1]",
            b'["created",true,"\\ud800",1]',
        ],
    )
    def test_a_forged_cursor_that_no_list_returns(self, user: Caller, cursor: str, content: bytes) -> None:
        assert self.is_rejected(user, cursor=urlsafe_b64encode(content).rstrip(b"=").decode())

    @pytest.mark.parametrize("value", ["a\0b", 5, None, ["x"], {}])
    def test_a_forged_title(self, user: Caller, cursor: str, value: object) -> None:
        content = json.dumps(["title", False, value, 1]).encode()

        assert self.is_rejected(user, sort="title", cursor=urlsafe_b64encode(content).rstrip(b"=").decode())


@pytest.mark.parametrize("value", ["", "'; DROP TABLE tasks; --", "%s", "🦄" * 600, "\\"])
def test_a_forged_position_shows_only_the_callers_tasks(
    user: Caller, make_user: Callable[..., Caller], value: str
) -> None:
    make_user().make_task("zzz theirs")
    user.make_task("zzz mine")
    content = json.dumps(["title", False, value, 1]).encode()
    cursor = urlsafe_b64encode(content).rstrip(b"=").decode()

    assert set(user.titles(sort="title", cursor=cursor)) <= {"zzz mine"}


def test_another_users_cursor_shows_only_the_callers_tasks(user: Caller, make_user: Callable[..., Caller]) -> None:
    other = make_user()
    for number in range(3):
        other.make_task(f"Theirs {number}")
        user.make_task(f"Mine {number}")
    cursor = other("GET", "/api/tasks", params={"limit": "1"}).json["pagination"]["next_cursor"]

    assert user.titles(cursor=cursor) == ["Mine 1", "Mine 0"]


def test_a_cursor_does_not_contain_the_user_id(user: Caller) -> None:
    for _ in range(2):
        user.make_task("Buy milk")
    cursor = user("GET", "/api/tasks", params={"limit": "1"}).json["pagination"]["next_cursor"]

    assert str(user.user_id).encode() not in urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))

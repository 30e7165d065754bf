"""Lists longer than a piece: complete, in order, in one well-formed body, whatever the sort, filter or page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from api.postgres.database import Database
from tests.contracts import task_model
from tests.support.callers import Caller

MIB = 1024 * 1024

_FILL = """
INSERT INTO tasks (user_id, title, description, completed, due_at, created_at, updated_at, folded_version)
SELECT %s, CASE WHEN n %% 5 = 0 THEN 'Buy milk' ELSE 'Task ' || n * 7919 %% 1000 END,
    CASE WHEN n %% 3 > 0 THEN repeat('lorem ', %s / 6) END, n %% 4 = 0,
    CASE WHEN n %% 2 = 0 THEN timestamptz '2026-01-01T00:00Z' + n * 7919 %% 100 * interval '1 day' END,
    timestamptz '2026-01-01T00:00Z' + n / 3 * interval '1 s',
    timestamptz '2026-01-01T00:00Z' + n * 7919 %% 500 * interval '1 s', 1
FROM generate_series(1, %s) AS n
"""


@pytest.fixture
def fill(user: Caller, database: Database) -> Callable[..., None]:
    """A function that gives the user so many tasks, two thirds of them with a description of this length."""
    database.run("INSERT INTO users (id) VALUES (%s)", (user.user_id,))

    def fill(tasks: int, length: int) -> None:
        database.run(_FILL, (user.user_id, length, tasks))

    return fill


def walk(user: Caller, **query: str) -> list[dict[str, Any]]:
    """All tasks of a list, by pages of 20, each of which is one piece."""
    tasks: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = user("GET", "/api/tasks", params={**query, "limit": "20", **({"cursor": cursor} if cursor else {})}).json
        tasks += page["data"]
        cursor = page["pagination"]["next_cursor"]
        if cursor is None:
            return tasks


@pytest.mark.parametrize("sort", ["created", "updated", "title", "due_date"])
@pytest.mark.parametrize("order", task_model.ORDERS)
@pytest.mark.parametrize("extra", [{}, {"status": "pending"}, {"search": "lorem"}], ids=str)
def test_a_list_of_several_pieces_is_what_a_walk_by_pages_gives(
    user: Caller, fill: Callable[..., None], sort: str, order: str, extra: dict[str, str]
) -> None:
    fill(600, 9_000)
    query = {"sort": sort, "order": order, **extra}

    response = user("GET", "/api/tasks", params=query)

    assert len(response.content) > 2 * MIB
    assert "content-length" not in response.headers
    assert list(response.json) == ["data"]
    assert response.json["data"] == walk(user, **query)


def test_a_list_of_many_short_tasks_is_complete(user: Caller, fill: Callable[..., None]) -> None:
    fill(9_000, 0)

    tasks = user("GET", "/api/tasks").json["data"]

    assert len({task["id"] for task in tasks}) == len(tasks) == 9_000
    keys = [(task["created_at"], task["id"]) for task in tasks]
    assert keys == sorted(keys, reverse=True)


@pytest.mark.parametrize(("filled", "number"), [((0, 0), 2), ((1, 1_000), 1), ((2_000, 1_000), 1), ((100, 8_000), 2)])
def test_a_list_of_one_piece_is_one_statement_if_its_texts_are_short_and_has_a_length(
    user: Caller, fill: Callable[..., None], statements: list[str], filled: tuple[int, int], number: int
) -> None:
    tasks, length = filled
    if tasks:
        fill(tasks, length)
    statements.clear()

    response = user("GET", "/api/tasks")

    assert len(response.json["data"]) == tasks
    assert int(response.headers["content-length"]) == len(response.content)
    # That there is nothing is confirmed by a second one; a list with a long text is read again, by its length.
    assert len(statements) == number


@pytest.mark.parametrize("length", [1_020, 1_024, 1_025, 1_030])
def test_a_text_about_as_long_as_a_short_one_is_complete(
    user: Caller, database: Database, fill: Callable[..., None], length: int
) -> None:
    fill(3, 0)
    database.run("UPDATE tasks SET description = repeat('x', %s) WHERE user_id = %s", (length, user.user_id))

    listed = user("GET", "/api/tasks").json["data"]

    assert [len(task["description"]) for task in listed] == [length] * 3


def test_a_long_text_in_the_second_piece_is_complete(
    user: Caller, database: Database, fill: Callable[..., None]
) -> None:
    fill(5_000, 0)
    database.run(
        "UPDATE tasks SET description = repeat('x', 10000) WHERE id = (SELECT min(id) FROM tasks WHERE user_id = %s)",
        (user.user_id,),
    )

    listed = user("GET", "/api/tasks").json["data"]

    assert len({task["id"] for task in listed}) == len(listed) == 5_000
    assert [len(task["description"] or "") for task in listed] == [0] * 4_999 + [10_000]


@pytest.mark.parametrize("sort", ["created", "title", "due_date"])
def test_a_page_of_several_pieces_has_its_pagination_and_links(
    user: Caller, fill: Callable[..., None], sort: str
) -> None:
    fill(700, 9_000)
    expected = walk(user, sort=sort)

    first = user("GET", "/api/tasks", params={"sort": sort, "limit": "400"})
    cursor = first.json["pagination"]["next_cursor"]
    second = user("GET", "/api/tasks", params={"sort": sort, "limit": "400", "cursor": cursor})
    last = user("GET", "/api/tasks", params={"sort": sort, "limit": "400", "page": "2"})

    assert "content-length" not in first.headers
    assert first.json["data"] + second.json["data"] == expected
    assert last.json["data"] == second.json["data"]
    assert first.json["pagination"] == {"page": 1, "limit": 400, "total": 700, "pages": 2, "next_cursor": cursor}
    assert second.json["pagination"] == {"limit": 400, "next_cursor": None}
    assert last.json["pagination"] == {"page": 2, "limit": 400, "total": 700, "pages": 2, "next_cursor": None}
    assert "rel=next" in first.headers["link"]
    assert "link" not in second.headers


def test_a_task_deleted_during_a_long_page_is_left_out_and_none_comes_twice(
    user: Caller, fill: Callable[..., None], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(700, 9_000)
    expected = [task["id"] for task in walk(user)]
    gone = expected[300]
    run, seen = database.run, []

    def delete_before_the_third_piece(sql: str, *arguments: Any, **options: Any) -> list[tuple[Any, ...]]:
        seen.append(sql)
        if "= ANY" in sql and sum("= ANY" in each for each in seen) == 3:
            run("DELETE FROM tasks WHERE id = %s", (gone,))
        return run(sql, *arguments, **options)

    monkeypatch.setattr(database, "run", delete_before_the_third_piece)
    first = user("GET", "/api/tasks", params={"limit": "400"}).json
    monkeypatch.undo()
    second = user("GET", "/api/tasks", params={"limit": "400", "cursor": first["pagination"]["next_cursor"]}).json

    assert [task["id"] for task in first["data"] + second["data"]] == [each for each in expected if each != gone]


def test_a_head_request_for_a_long_list_has_no_body(user: Caller, fill: Callable[..., None]) -> None:
    fill(300, 9_000)

    response = user("HEAD", "/api/tasks")

    assert (response.status_code, response.content) == (200, b"")

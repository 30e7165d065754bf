"""Client F: `is_complete`, `{tasks, total, completed}`, lists and creates with a trailing slash."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from tests.frontends.page import Page

TASKS = "/api/tasks/"
FORM = {
    "title": "Buy milk",
    "description": "",
    "priority": "medium",
    "category": "general",
    "due_date": "2026-12-01",
    "due_time": "10:00",
    "recurrence_pattern": "weekly",
}


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page("is-complete")


def test_what_the_form_sends_is_listed(page: Page) -> None:
    task = page("POST", TASKS, FORM, status=201)

    assert {name: task[name] for name in FORM} == FORM
    assert page("GET", TASKS) == {"tasks": [task], "total": 1, "completed": 0}
    assert page("GET", f"{TASKS}{task['id']}") == task


def test_further_fields_have_defaults(page: Page) -> None:
    task = page("POST", TASKS, {"title": "Buy milk", "due_date": ""}, status=201)

    assert (task["priority"], task["category"], task["due_date"]) == ("medium", "general", None)
    assert (task["due_time"], task["recurrence_pattern"], task["is_complete"]) == (None, "none", False)


def test_a_task_is_changed(page: Page) -> None:
    task = page("POST", TASKS, FORM, status=201)

    changed = page("PUT", f"{TASKS}{task['id']}", {"title": "Bread", "priority": "high", "due_time": None})

    assert (changed["title"], changed["priority"], changed["due_time"]) == ("Bread", "high", None)
    assert changed["recurrence_pattern"] == "weekly"


def test_complete_reopen_and_delete(page: Page) -> None:
    path = f"{TASKS}{page('POST', TASKS, FORM, status=201)['id']}"

    assert [page("PATCH", f"{path}/complete")["is_complete"] for _ in range(2)] == [True, False]
    assert page("DELETE", path, status=204) is None
    assert page("GET", TASKS) == {"tasks": [], "total": 0, "completed": 0}


def test_a_list_is_filtered_and_sorted(page: Page) -> None:
    for title, complete in (("b", True), ("a", False), ("c", False)):
        page("POST", TASKS, {"title": title, "is_complete": complete}, status=201)

    def titles(**query: str) -> list[str]:
        return [task["title"] for task in page("GET", f"{TASKS}?{urlencode(query)}")["tasks"]]

    assert titles(sort_by="title", sort_order="asc") == ["a", "b", "c"]
    assert titles(sort_by="created_at", sort_order="asc") == ["b", "a", "c"]
    assert titles(category="general", sort_by="title") == ["a", "b", "c"]


@pytest.mark.parametrize(("value", "found"), [("complete", ["b"]), ("incomplete", ["a"]), ("all", ["a", "b"])])
def test_a_list_is_filtered_by_status(page: Page, value: str, found: list[str]) -> None:
    for title, complete in (("b", True), ("a", False)):
        page("POST", TASKS, {"title": title, "is_complete": complete}, status=201)

    listed = page("GET", f"{TASKS}?status={value}&sort_by=title")

    assert [task["title"] for task in listed["tasks"]] == found
    assert (listed["total"], listed["completed"]) == (len(found), int("b" in found))


def test_an_error_is_below_detail(page: Page) -> None:
    assert page("POST", TASKS, {"title": ""}, status=422)["detail"] == "Title is required"
    assert page("PATCH", f"{TASKS}999999/complete", status=404)["detail"] == "Task not found"
    assert page("PUT", f"{TASKS}1", {"is_complete": "yes"}, status=422)["detail"] == "Is complete must be true or false"

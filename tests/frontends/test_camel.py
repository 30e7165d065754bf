"""Client A: `{data}` around camelCase tasks, a toggle, and accounts with `{success, token, user}`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.frontends.page import Page

TASKS = "/api/tasks"


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page("camel")


def test_a_created_task_is_listed_with_camel_case_names(page: Page) -> None:
    created = page("POST", TASKS, {"title": "Buy milk", "description": "two", "dueDate": "2026-12-01"}, status=201)

    listed = page("GET", TASKS)["data"]
    assert listed == [created["data"]]
    assert (listed[0]["dueDate"], listed[0]["completed"]) == ("2026-12-01", False)
    assert listed[0]["userId"] == page.user_id
    assert listed[0]["createdAt"] == listed[0]["updatedAt"]
    assert "due_date" not in listed[0]


def test_a_task_is_read_and_changed(page: Page) -> None:
    task = page("POST", TASKS, {"title": "Buy milk"}, status=201)["data"]
    path = f"{TASKS}/{task['id']}"

    assert page("GET", path)["data"] == task
    changed = page("PUT", path, {"title": "Buy bread", "dueDate": "2026-12-24"})["data"]
    assert (changed["title"], changed["dueDate"]) == ("Buy bread", "2026-12-24")
    assert page("PATCH", path, {"dueDate": None})["data"]["dueDate"] is None


def test_a_task_that_is_sent_back_whole_is_changed(page: Page) -> None:
    task = page("POST", TASKS, {"title": "Buy milk"}, status=201)["data"]

    changed = page("PUT", f"{TASKS}/{task['id']}", {**task, "completed": True})["data"]

    assert changed["completed"] is True


def test_the_toggle_without_a_body_completes_and_reopens(page: Page) -> None:
    task = page("POST", TASKS, {"title": "Buy milk"}, status=201)["data"]
    path = f"{TASKS}/{task['id']}/toggle"

    assert [page("PATCH", path)["data"]["completed"] for _ in range(2)] == [True, False]


def test_a_delete_has_no_body(page: Page) -> None:
    task = page("POST", TASKS, {"title": "Buy milk"}, status=201)["data"]

    assert page("DELETE", f"{TASKS}/{task['id']}", status=204) is None
    assert page("GET", TASKS)["data"] == []


def test_an_error_has_its_message_below_error(page: Page) -> None:
    assert page("POST", TASKS, {"title": ""}, status=422)["error"]["message"] == "Title is required"
    late = page("POST", TASKS, {"title": "Buy milk", "dueDate": "soon"}, status=422)["error"]
    assert late["message"].startswith("Due date must be")
    assert late["details"][0]["field"] == "dueDate"
    assert page("GET", f"{TASKS}/999999", status=404)["error"]["message"] == "Task not found"


def test_an_account_is_registered_and_logs_in(open_page: Callable[..., Page]) -> None:
    page = open_page("camel", logged_in=False)
    account = {"email": "ada@example.com", "password": "correct horse", "name": "Ada"}

    registered = page("POST", "/api/auth/register", account, status=201)
    assert registered["success"] is True
    assert (registered["user"]["email"], registered["user"]["name"]) == ("ada@example.com", "Ada")

    wrong = {"email": "ada@example.com", "password": "wrong horse"}
    assert page("POST", "/api/auth/login", wrong, status=401)["error"]["message"] == "E-mail or password is wrong"
    page.token = page("POST", "/api/auth/login", {"email": "ada@example.com", "password": "correct horse"})["token"]
    assert page("POST", TASKS, {"title": "Buy milk"}, status=201)["data"]["userId"] == registered["user"]["id"]
    assert page("POST", "/api/auth/register", account, status=400)["error"]["code"] == "EMAIL_TAKEN"

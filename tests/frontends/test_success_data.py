"""Client G: `success` and `data`, pages by limit and offset, and local due dates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.frontends.page import Page

TASKS = "/api/tasks"
ACCOUNT = {"email": "ada@example.com", "password": "correct horse"}


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page("success-data")


def create(page: Page, **fields: Any) -> Any:
    body = page("POST", TASKS, {"title": "Buy milk", **fields}, status=201)
    assert body["success"] is True
    return body["data"]


def test_a_local_due_date_comes_back_as_it_was_sent(page: Page) -> None:
    task = create(page, due_datetime="2026-12-01T10:00", priority="urgent_not_important")

    assert (task["due_datetime"], task["priority"]) == ("2026-12-01T10:00", "urgent_not_important")
    assert page("GET", TASKS)["data"]["tasks"] == [task]
    path = f"{TASKS}/{task['id']}"
    assert page("PUT", path, {"title": "Bread"})["data"]["due_datetime"] == "2026-12-01T10:00"
    assert page("PUT", path, {"due_datetime": "2026-12-24T18:30"})["data"]["due_datetime"] == "2026-12-24T18:30"
    assert page("PUT", path, {"due_datetime": ""})["data"]["due_datetime"] is None


def test_a_list_is_paged_by_limit_and_offset(page: Page) -> None:
    for title in "abc":
        create(page, title=title)

    data = page("GET", TASKS, limit="1", offset="1", sortBy="title", sortOrder="asc")["data"]

    assert [task["title"] for task in data["tasks"]] == ["b"]
    assert (data["total_count"], data["limit"], data["offset"]) == (3, 1, 1)


def test_a_list_is_filtered_by_completed(page: Page) -> None:
    create(page, title="done", is_completed=True)
    create(page, title="open")

    for value, title in (("true", "done"), ("false", "open")):
        data = page("GET", TASKS, completed=value)["data"]
        assert ([task["title"] for task in data["tasks"]], data["total_count"]) == ([title], 1)


def test_complete_sets_what_the_body_says_again_and_again(page: Page) -> None:
    task = create(page)
    assert (task["is_completed"], task["priority"]) == (False, "urgent_important")
    path = f"{TASKS}/{task['id']}/complete"

    for completed in (True, True, False, False):
        assert page("PATCH", path, {"is_completed": completed})["data"]["is_completed"] is completed


def test_a_delete_is_a_success(page: Page) -> None:
    assert page("DELETE", f"{TASKS}/{create(page)['id']}") == {"success": True}
    assert page("GET", TASKS)["data"]["total_count"] == 0


def test_an_error_has_a_message(page: Page) -> None:
    refused = page("POST", TASKS, {"title": "Buy milk", "due_datetime": "soon"}, status=422)

    assert refused["success"] is False
    assert refused["message"].startswith("Due datetime must be")
    assert page("GET", f"{TASKS}/999999", status=404)["message"] == "Task not found"


def test_an_account_signs_up_and_in(open_page: Callable[..., Page]) -> None:
    page = open_page("success-data", logged_in=False)

    signed_up = page("POST", "/api/v1/auth/signup", ACCOUNT, status=201)
    session = page("POST", "/api/v1/auth/signin", ACCOUNT)

    assert signed_up["success"] is session["success"] is True
    assert session["data"]["user_id"] == signed_up["data"]["user_id"]
    assert session["data"]["expires_at"].endswith("Z")
    page.token = session["data"]["token"]
    assert create(page)["user_id"] == session["data"]["user_id"]
    wrong = page("POST", "/api/v1/auth/signin", {**ACCOUNT, "password": "wrong horse"}, status=401)
    assert wrong["detail"] == "E-mail or password is wrong"

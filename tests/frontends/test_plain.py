"""Client B, and the usual calls of its kind: bare arrays and objects, and errors under every usual name."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from tests.frontends.page import Page

TASKS = "/api/tasks"
ACCOUNT = {"email": "ada@example.com", "password": "correct horse"}


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page("plain")


def titles(page: Page, **query: str) -> list[str]:
    return [task["title"] for task in page("GET", f"{TASKS}?{urlencode(query)}")]


def test_the_array_and_the_task_are_bare(page: Page) -> None:
    created = page("POST", TASKS, {"title": "Buy milk", "description": ""}, status=201)

    assert page("GET", TASKS) == [created]
    assert page("GET", f"{TASKS}/{created['id']}") == created
    assert page("PUT", f"{TASKS}/{created['id']}", {"title": "Bread", "description": "rye"})["title"] == "Bread"
    assert page("DELETE", f"{TASKS}/{created['id']}", status=204) is None


def test_complete_without_a_body_completes_and_reopens(page: Page) -> None:
    task = page("POST", TASKS, {"title": "Buy milk"}, status=201)

    for name in ("complete", "toggle"):
        path = f"{TASKS}/{task['id']}/{name}"
        assert [page("PATCH", path)["completed"] for _ in range(2)] == [True, False]


def test_an_error_has_every_usual_member(page: Page) -> None:
    assert page("POST", TASKS, {"title": " "}, status=422) == {
        "success": False,
        "statusCode": 422,
        "message": "Title is required",
        "detail": "Title is required",
        "error": {
            "code": "VALIDATION_ERROR",
            "message": "Title is required",
            "details": [{"field": "title", "message": "Title is required"}],
        },
    }
    assert page("GET", f"{TASKS}/999999", status=404)["detail"] == "Task not found"


def test_accounts_have_the_token_under_both_usual_names(open_page: Callable[..., Page]) -> None:
    page = open_page("plain", logged_in=False)

    registered = page("POST", "/auth/register", ACCOUNT, status=201)
    session = page("POST", "/auth/login", ACCOUNT)
    assert session["token"] == session["access_token"]
    assert session["user_id"] == registered["user_id"] == session["user"]["id"]

    page.token = session["access_token"]
    assert page("GET", "/api/auth/me")["email"] == page("GET", "/api/auth/me")["user"]["email"] == "ada@example.com"
    assert page("POST", TASKS, {"title": "Buy milk"}, status=201)["user_id"] == session["user_id"]
    assert page("POST", "/auth/logout")["success"] is True
    wrong = page("POST", "/auth/login", {**ACCOUNT, "password": "wrong horse"}, status=401)
    assert wrong["detail"] == wrong["message"] == "E-mail or password is wrong"


def test_a_form_logs_in_with_a_username(open_page: Callable[..., Page]) -> None:
    page = open_page("plain", logged_in=False)
    page("POST", "/auth/register", ACCOUNT, status=201)

    session = page.submit_form("/auth/login", username="ada@example.com", password="correct horse")

    assert session["token_type"] == "bearer"


@pytest.mark.parametrize("path", ["/auth/refresh", "/api/auth/refresh", "/auth/renew"])
def test_a_token_is_refreshed(open_page: Callable[..., Page], path: str) -> None:
    page = open_page("plain", logged_in=False)
    page.token = page("POST", "/auth/register", ACCOUNT, status=201)["token"]

    page.token = page("POST", path)["access_token"]

    assert page("GET", "/auth/verify")["email"] == page("POST", "/api/auth/verify")["email"] == "ada@example.com"
    page.token = "none"
    assert page("GET", "/auth/verify", status=401)["message"] == "The token is not valid"


@pytest.mark.parametrize("path", ["/api/v1/tasks", "/tasks/", "/api/tasks/", "/api/{user_id}/tasks"])
def test_the_usual_paths_have_the_same_tasks(page: Page, path: str) -> None:
    path = path.format(user_id=page.user_id)
    task = page("POST", path, {"title": "Buy milk"}, status=201)

    assert page("GET", path) == page("GET", TASKS) == [task]


@pytest.mark.parametrize("sort", ["sort_by", "sortBy", "sort"])
def test_a_list_is_sorted_under_each_usual_name(page: Page, sort: str) -> None:
    for title, due in (("b", "2026-12-02"), ("a", "2026-12-03"), ("c", "2026-12-01")):
        page("POST", TASKS, {"title": title, "dueDate": due}, status=201)

    assert titles(page, **{sort: "title", "sortOrder": "desc"}) == ["c", "b", "a"]
    assert titles(page, **{sort: "dueDate"}) == ["c", "b", "a"]
    assert titles(page, **{sort: "created_at", "order": "asc"}) == ["b", "a", "c"]


def test_a_list_is_filtered_under_the_usual_names(page: Page) -> None:
    page("POST", TASKS, {"title": "Buy milk", "priority": "high", "tags": ["shop"], "category": "home"}, status=201)
    page("POST", TASKS, {"title": "Call", "completed": True}, status=201)

    assert titles(page, completed="true") == titles(page, q="call") == titles(page, priority="medium") == ["Call"]
    assert titles(page, completed="false") == titles(page, priority="high") == titles(page, tags="shop") == ["Buy milk"]
    assert titles(page, completed="", category="", priority="all", q="") == ["Call", "Buy milk"]
    assert titles(page, limit="1", offset="1") == titles(page, limit="1", skip="1") == ["Buy milk"]


def test_further_fields_have_defaults_and_are_stored(page: Page) -> None:
    task = page("POST", TASKS, {"title": "Buy milk"}, status=201)
    assert (task["priority"], task["category"], task["tags"]) == ("medium", None, [])

    page("PATCH", f"{TASKS}/{task['id']}", {"priority": "urgent", "category": "work", "tags": ["a", "b"]})

    stored = page("GET", f"{TASKS}/{task['id']}")
    assert (stored["priority"], stored["category"], stored["tags"]) == ("urgent", "work", ["a", "b"])


def test_the_dates_of_html_inputs_come_back_as_they_were_sent(page: Page) -> None:
    for sent in ("2026-12-01", "2026-12-01T10:00", None):
        assert page("POST", TASKS, {"title": "Buy milk", "due_date": sent}, status=201)["due_date"] == sent
    assert page("POST", TASKS, {"title": "Buy milk", "due_date": ""}, status=201)["dueDate"] is None


@pytest.mark.parametrize(
    "changed",
    [{"completed": True}, {"isCompleted": True}, {"title": "Bread"}, {"dueDate": "2026-12-24"}, {"text": "Bread"}],
)
def test_a_task_that_is_sent_back_with_one_change_is_changed(page: Page, changed: dict[str, object]) -> None:
    task = page("POST", TASKS, {"title": "Buy milk", "due_date": "2026-12-01"}, status=201)

    shown = page("PUT", f"{TASKS}/{task['id']}", {**task, **changed})

    assert {name: shown[name] for name in changed} == changed
    assert page("GET", f"{TASKS}/{task['id']}") == shown

"""Clients I, K and L: completion as a status of three values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.frontends.page import Page

ACCOUNT = {"name": "Ada", "email": "ada@example.com", "password": "correct horse"}
LOGIN = {"email": "ada@example.com", "password": "correct horse"}
WRONG = {"email": "ada@example.com", "password": "wrong horse"}
FORM = {"title": "Buy milk", "description": "", "status": "pending", "due_date": ""}


@pytest.fixture
def status(open_page: Callable[..., Page]) -> Page:
    return open_page("status")


@pytest.fixture
def laravel(open_page: Callable[..., Page]) -> Page:
    return open_page("laravel")


@pytest.fixture
def nest(open_page: Callable[..., Page]) -> Page:
    return open_page("nest")


class TestStatus:
    """Client I: todo, in-progress, completed."""

    TASKS = "/api/tasks"

    def create(self, page: Page, **fields: Any) -> Any:
        return page("POST", self.TASKS, {"title": "Buy milk", **fields}, status=201)

    def test_a_task_goes_through_every_status(self, status: Page) -> None:
        task = self.create(status, priority="low", tags=["shop", "home"], due_date="2026-12-01")
        assert (task["status"], task["priority"], task["tags"]) == ("todo", "low", ["shop", "home"])
        path = f"{self.TASKS}/{task['id']}"

        for value in ("in-progress", "completed", "in-progress", "todo", "completed", "todo"):
            assert status("PATCH", path, {"status": value})["status"] == value
            assert [each["status"] for each in status("GET", self.TASKS)] == [value]
        assert "completed" not in task

    def test_a_task_that_is_sent_back_whole_changes_its_status(self, status: Page) -> None:
        task = self.create(status)

        changed = status("PUT", f"{self.TASKS}/{task['id']}", {**task, "status": "completed", "tags": ["a"]})

        assert (changed["status"], changed["tags"]) == ("completed", ["a"])

    def test_a_new_task_may_have_any_status(self, status: Page) -> None:
        assert [self.create(status, status=value)["status"] for value in ("completed", "in-progress", "todo")] == [
            "completed",
            "in-progress",
            "todo",
        ]

        path = f"{self.TASKS}?status=in-progress"
        assert [each["status"] for each in status("GET", path)] == ["in-progress"]
        assert [each["status"] for each in status("GET", f"{self.TASKS}?status=completed")] == ["completed"]
        assert [each["status"] for each in status("GET", f"{self.TASKS}?status=todo")] == ["todo"]

    def test_defaults_and_delete(self, status: Page) -> None:
        task = self.create(status)
        assert (task["priority"], task["tags"]) == ("medium", [])

        assert status("DELETE", f"{self.TASKS}/{task['id']}", status=204) is None
        assert status("GET", self.TASKS) == []

    def test_an_unknown_status_is_refused_with_the_choices(self, status: Page) -> None:
        error = status("POST", self.TASKS, {"title": "a", "status": "done"}, status=422)["error"]

        assert error["message"] == "Status must be one of todo, in-progress, completed"

    def test_an_account_logs_in(self, open_page: Callable[..., Page]) -> None:
        page = open_page("status", logged_in=False)

        registered = page("POST", "/api/auth/register", ACCOUNT, status=201)
        session = page("POST", "/api/auth/login", LOGIN)

        assert session["user"] == registered["user"] == {**session["user"], "name": "Ada", "email": LOGIN["email"]}
        assert session["token_type"] == "bearer"
        assert session["expires_in"] > 0
        page.token = session["access_token"]
        assert page("GET", "/api/auth/me") == session["user"]
        assert page("POST", "/api/auth/login", WRONG, status=401)["error"]["message"] == "E-mail or password is wrong"


class TestLaravel:
    """Client K: pending, in_progress, done, and a due date that is empty in the form."""

    TASKS = "/api/tasks"

    def test_what_the_form_sends_is_listed_and_changed(self, laravel: Page) -> None:
        laravel("POST", self.TASKS, FORM, status=201)
        (task,) = laravel("GET", self.TASKS)
        assert (task["status"], task["due_date"], task["description"]) == ("pending", None, "")
        path = f"{self.TASKS}/{task['id']}"

        for value in ("in_progress", "done", "pending"):
            laravel("PUT", path, {**FORM, "status": value, "due_date": "2026-12-01"})
            (task,) = laravel("GET", self.TASKS)
            assert (task["status"], task["due_date"]) == (value, "2026-12-01")
        laravel("PUT", path, {**task, "due_date": ""})
        assert laravel("GET", path)["due_date"] is None
        assert laravel("DELETE", path, status=204) is None
        assert laravel("GET", self.TASKS) == []

    def test_an_error_has_a_message(self, laravel: Page) -> None:
        refused = laravel("POST", self.TASKS, {**FORM, "title": "", "due_date": "soon"}, status=422)

        assert refused["message"] == "The request is not valid"
        assert refused["errors"]["title"] == "Title is required"
        assert laravel("GET", f"{self.TASKS}/999999", status=404) == {"message": "Task not found"}

    def test_an_account_logs_in_and_out(self, open_page: Callable[..., Page]) -> None:
        page = open_page("laravel", logged_in=False)

        registered = page("POST", "/api/register", ACCOUNT, status=201)
        session = page("POST", "/api/login", LOGIN)
        page.token = session["token"]

        assert page("GET", "/api/user") == session["user"] == registered["user"]
        page("POST", self.TASKS, FORM, status=201)
        assert page("POST", "/api/logout")["message"] == "Logged out"
        assert page("POST", "/api/login", WRONG, status=401)["message"] == "E-mail or password is wrong"


class TestNest:
    """Client L: OPEN, IN_PROGRESS, DONE, set by a call of their own."""

    TASKS = "/tasks"

    def create(self, page: Page, title: str = "Buy milk") -> Any:
        return page("POST", self.TASKS, {"title": title, "description": "two"}, status=201)

    def test_the_status_is_set_by_its_own_call(self, nest: Page) -> None:
        task = self.create(nest)
        assert task["status"] == "OPEN"
        path = f"{self.TASKS}/{task['id']}"

        for value in ("IN_PROGRESS", "DONE", "DONE", "OPEN", "IN_PROGRESS"):
            assert nest("PATCH", f"{path}/status", {"status": value})["status"] == value
            assert nest("GET", path)["status"] == value
        assert nest("PATCH", path, {"title": "Bread"})["title"] == "Bread"
        assert nest("DELETE", path, status=204) is None
        assert nest("GET", self.TASKS) == []

    def test_a_list_is_filtered_by_status_and_search(self, nest: Page) -> None:
        done = self.create(nest, "Call Bob")
        self.create(nest)
        nest("PATCH", f"{self.TASKS}/{done['id']}/status", {"status": "DONE"})

        def titles(query: str) -> list[str]:
            return [task["title"] for task in nest("GET", f"{self.TASKS}?{query}")]

        assert titles("status=DONE") == titles("search=bob") == titles("status=DONE&search=call") == ["Call Bob"]
        assert titles("status=OPEN") == titles("search=milk") == ["Buy milk"]
        assert titles("status=&search=") == ["Buy milk", "Call Bob"]
        assert titles("status=IN_PROGRESS") == titles("status=OPEN&search=bob") == []

    def test_an_error_has_status_code_and_message(self, nest: Page) -> None:
        refused = nest("PATCH", f"{self.TASKS}/{self.create(nest)['id']}/status", {"status": "DOING"}, status=422)

        message = "Status must be one of OPEN, IN_PROGRESS, DONE"
        assert (refused["statusCode"], refused["message"]) == (422, message)
        missing = nest("GET", f"{self.TASKS}/999999", status=404)
        assert missing == {"statusCode": 404, "message": "Task not found", "error": "Not Found"}

    def test_an_account_signs_up_and_in(self, open_page: Callable[..., Page]) -> None:
        page = open_page("nest", logged_in=False)

        assert set(page("POST", "/auth/signup", LOGIN, status=201)) == {"accessToken"}
        page.token = page("POST", "/auth/signin", LOGIN)["accessToken"]

        assert self.create(page)["status"] == "OPEN"
        refused = page("POST", "/auth/signin", WRONG, status=401)
        assert (refused["statusCode"], refused["message"]) == (401, "E-mail or password is wrong")

"""Two services with two profiles on one database: each shows the same tasks in its own way, and loses nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.frontends.page import Page, through_socket
from tests.support.processes import UNLIMITED, Service, starting
from tests.support.signing import token_for

ACCOUNT = {"email": "ada@example.com", "password": "correct horse"}


@pytest.fixture(scope="module")
def start(
    create_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Service]]:
    folder = tmp_path_factory.mktemp("two")
    with starting(folder, DATABASE_URL=create_database(), WORKERS="1", **UNLIMITED) as start:
        yield start


@pytest.fixture(scope="module")
def services(start: Callable[..., Service]) -> dict[str, Service]:
    return {name: start(FRONTEND=name) for name in ("success-data", "laravel")}


@pytest.fixture
def token(request: pytest.FixtureRequest) -> str:
    """The token of a user of this test alone."""
    return token_for(f"user-{request.node.name}")


@pytest.fixture
def success_data(services: dict[str, Service], token: str) -> Page:
    return Page(through_socket(services["success-data"].port), token)


@pytest.fixture
def laravel(services: dict[str, Service], token: str) -> Page:
    return Page(through_socket(services["laravel"].port), token)


def test_each_shows_a_task_of_the_other(success_data: Page, laravel: Page) -> None:
    body = {"title": "Buy milk", "due_datetime": "2026-12-01T10:00", "priority": "not_urgent"}
    task = success_data("POST", "/api/tasks", body, status=201)["data"]

    (shown,) = laravel("GET", "/api/tasks")
    assert (shown["title"], shown["status"], shown["due_date"]) == ("Buy milk", "pending", "2026-12-01T10:00")
    assert "priority" not in shown

    laravel("PUT", f"/api/tasks/{task['id']}", {"status": "in_progress", "title": "Bread"})
    again = success_data("GET", f"/api/tasks/{task['id']}")["data"]
    assert (again["title"], again["priority"], again["is_completed"]) == ("Bread", "not_urgent", False)
    assert again["due_datetime"] == "2026-12-01T10:00"
    assert "status" not in again


def test_completed_decides_and_replaces_a_stored_status(success_data: Page, laravel: Page) -> None:
    task = laravel("POST", "/api/tasks", {"title": "Buy milk", "status": "in_progress"}, status=201)
    path = f"/api/tasks/{task['id']}"

    success_data("PATCH", f"{path}/complete", {"is_completed": True})
    assert laravel("GET", path)["status"] == "done"
    laravel("PUT", path, {"status": "pending"})
    assert success_data("GET", path)["data"]["is_completed"] is False
    assert laravel("GET", path)["status"] == "pending"


def test_a_due_date_that_the_other_changes_is_shown_as_the_other_sent_it(success_data: Page, laravel: Page) -> None:
    task = success_data("POST", "/api/tasks", {"title": "a", "due_datetime": "2026-12-01T10:00"}, status=201)["data"]

    laravel("PUT", f"/api/tasks/{task['id']}", {"due_date": "2026-12-24"})

    assert success_data("GET", f"/api/tasks/{task['id']}")["data"]["due_datetime"] == "2026-12-24"


def test_an_account_of_one_logs_in_at_the_other(success_data: Page, laravel: Page) -> None:
    success_data.token = laravel.token = None
    signed_up = success_data("POST", "/api/v1/auth/signup", ACCOUNT, status=201)["data"]

    session = laravel("POST", "/api/login", ACCOUNT)

    assert session["user"]["id"] == signed_up["user_id"]


def test_a_key_is_one_key_in_both(success_data: Page, laravel: Page) -> None:
    success_data.headers["Idempotency-Key"] = laravel.headers["Idempotency-Key"] = "once"
    created = success_data("POST", "/api/tasks", {"title": "Buy milk"}, status=201)["data"]

    replayed = laravel("POST", "/api/tasks", {"title": "Buy milk"}, status=201)

    assert replayed["id"] == created["id"]
    assert len(laravel("GET", "/api/tasks")) == 1

"""The specification "Backend API & Database Layer", its task operations and errors: /tasks.

Its accounts are in test_accounts.py.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from falcon.testing import TestClient

from api.postgres.database import Database
from tests.support.callers import Caller, error_of


class TestTaskOperations:
    """User story 3."""

    def test_a_new_task_belongs_to_the_user(self, user: Caller, database: Database) -> None:
        response = user("POST", "/tasks", {"title": "Water the plants"})

        assert response.status_code == 201
        task = response.json["data"]
        assert response.headers["location"] == f"/tasks/{task['id']}"
        assert database.run("SELECT user_id, title FROM tasks") == [(user.user_id, "Water the plants")]

    def test_only_the_users_tasks_are_listed(self, user: Caller, make_user: Callable[..., Caller]) -> None:
        make_user().make_task("Theirs")
        mine = user.make_task("Mine")

        assert user("GET", "/tasks").json == {"data": [mine]}

    def test_the_owner_updates_completes_and_deletes(self, user: Caller) -> None:
        path = f"/tasks/{user.make_task('Water the plants')['id']}"

        assert user("PUT", path, {"title": "Water them all"}).json["data"]["title"] == "Water them all"
        assert user("PATCH", f"{path}/complete").json["data"]["completed"] is True
        assert user("DELETE", path).status_code == 204
        assert error_of(user("GET", path)) == (404, "NOT_FOUND")

    @pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
    def test_another_users_task_is_403(self, user: Caller, make_user: Callable[..., Caller], method: str) -> None:
        other = make_user()
        task = other.make_task("Theirs")
        body = {"title": "Mine now"} if method in ("PUT", "PATCH") else None

        assert error_of(user(method, f"/tasks/{task['id']}", body)) == (403, "FORBIDDEN")
        assert other("GET", f"/tasks/{task['id']}").json["data"] == task

    def test_the_query_that_distinguishes_403_from_404_runs_only_after_a_miss(
        self, user: Caller, statements: list[str]
    ) -> None:
        task = user.make_task("Mine")
        statements.clear()

        user("GET", f"/tasks/{task['id']}")
        assert len(statements) == 1
        user("GET", f"/tasks/{task['id'] + 1}")
        assert len(statements) == 4


class TestValidationAndErrors:
    """User story 4."""

    @pytest.mark.parametrize(
        ("method", "path", "body", "wrong"),
        [
            ("POST", "/tasks", {}, "title"),
            ("POST", "/tasks", {"title": "  "}, "title"),
            ("POST", "/tasks", {"title": "x" * 501}, "title"),
            ("POST", "/tasks", ["title"], "body"),
            ("GET", "/tasks?status=done", None, "status"),
            ("GET", "/tasks?limit=0", None, "limit"),
            ("GET", "/tasks/seven", None, "id"),
            ("PUT", "/tasks/1", {}, "body"),
            ("PATCH", "/tasks/1/complete", {"completed": 1}, "completed"),
        ],
    )
    def test_invalid_input_is_400_and_names_the_invalid_field(
        self, user: Caller, method: str, path: str, body: object, wrong: str
    ) -> None:
        response = user(method, path, body)

        assert error_of(response) == (400, "VALIDATION_ERROR")
        assert [each["field"] for each in response.json["error"]["details"]] == [wrong]

    def test_every_wrong_field_is_named_once(self, user: Caller) -> None:
        response = user("POST", "/tasks", {"title": "", "description": 5, "completed": "yes", "due_date": "soon"})

        named = [each["field"] for each in response.json["error"]["details"]]
        assert sorted(named) == ["completed", "description", "due_date", "title"]

    def test_a_body_that_is_not_json_is_400_malformed(self, user: Caller) -> None:
        response = user("POST", "/tasks", headers={"Content-Type": "application/json"}, body=b'{"title": ')

        assert error_of(response) == (400, "MALFORMED_JSON")
        assert "JSON" in response.json["error"]["message"]

    @pytest.mark.parametrize("path", ["/tasks/1", "/nowhere", "/tasks/1/nowhere"])
    def test_an_unknown_task_or_path_is_404(self, user: Caller, path: str) -> None:
        assert error_of(user("GET", path)) == (404, "NOT_FOUND")

    def test_a_reused_idempotency_key_is_422_here_too(self, user: Caller) -> None:
        key = {"Idempotency-Key": "one"}
        user("POST", "/tasks", {"title": "First"}, headers=key)

        assert error_of(user("POST", "/tasks", {"title": "Second"}, headers=key)) == (
            422,
            "IDEMPOTENCY_KEY_REUSED",
        )

    def test_a_server_error_is_500_without_details(self, user: Caller, broken_inserts: None) -> None:
        response = user("POST", "/tasks", {"title": "Buy milk"})

        assert error_of(response) == (500, "INTERNAL_ERROR")
        assert "insides" not in response.text


class TestLargeResults:
    """User story 5."""

    def test_pages_limit_the_size_of_a_response(self, user: Caller) -> None:
        for number in range(5):
            user.make_task(f"Task {number}")

        response = user("GET", "/tasks?limit=2&page=2")

        assert [task["title"] for task in response.json["data"]] == ["Task 2", "Task 1"]
        pagination = response.json["pagination"]
        assert (pagination["page"], pagination["limit"], pagination["total"], pagination["pages"]) == (2, 2, 5, 3)
        assert "page=3" in response.headers["link"]
        assert "page=1" in response.headers["link"]


def test_the_reference_is_at_docs(client: TestClient) -> None:
    assert client.simulate_get("/docs").status_code == 200

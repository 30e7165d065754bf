"""The specification "Backend API + Database Persistence": its user stories and edge cases, at /api/tasks."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone

import pytest

from api.postgres.database import Database
from tests.support.callers import Caller, error_of
from tests.support.signing import token_for

TASK_FIELDS = {
    "id",
    "user_id",
    "title",
    "description",
    "completed",
    "due_date",
    "created_at",
    "updated_at",
}


def instant(text: str) -> datetime:
    """A time as the contract writes them: RFC 3339 in UTC, with `Z`."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)


class TestCreateNewTask:
    """User story 1."""

    def test_given_title_and_description_the_task_is_created_returned_and_listed(
        self, user: Caller, database: Database
    ) -> None:
        response = user("POST", "/api/tasks", {"title": "Buy groceries", "description": "Milk, eggs, bread"})

        assert response.status_code == 201
        task = response.json["data"]
        assert set(response.json) == {"data"}
        assert set(task) == TASK_FIELDS
        assert (task["title"], task["description"]) == ("Buy groceries", "Milk, eggs, bread")
        assert database.run("SELECT user_id, title FROM tasks") == [(user.user_id, "Buy groceries")]
        assert user("GET", "/api/tasks").json == {"data": [task]}

    def test_the_response_has_the_location_of_the_task(self, user: Caller) -> None:
        response = user("POST", "/api/tasks", {"title": "Call dentist"})

        assert response.headers["location"] == f"/api/tasks/{response.json['data']['id']}"
        assert user("GET", response.headers["location"]).json == response.json

    def test_given_only_a_title_the_description_is_null(self, user: Caller) -> None:
        task = user.make_task("Call dentist")

        assert task["description"] is None
        assert task["due_date"] is None

    @pytest.mark.parametrize("body", [{}, {"title": None}, {"title": ""}, {"title": " \t\n "}])
    def test_given_no_title_it_is_422_with_title_required(self, user: Caller, body: dict[str, object]) -> None:
        response = user("POST", "/api/tasks", body)

        assert error_of(response) == (422, "VALIDATION_ERROR")
        assert response.json["error"]["details"] == [{"field": "title", "message": "Title is required"}]
        assert user.titles() == []

    def test_given_no_token_it_is_401_and_nothing_is_stored(self, anonymous: Caller, database: Database) -> None:
        assert error_of(anonymous("POST", "/api/tasks", {"title": "Buy milk"})) == (401, "UNAUTHORIZED")
        assert database.run("SELECT count(*) FROM tasks") == [(0,)]

    def test_the_owner_comes_from_the_token_never_from_the_body(
        self, user: Caller, make_user: Callable[..., Caller]
    ) -> None:
        other = make_user()
        other.make_task("Theirs")

        task = user.make_task("Mine", user_id=other.user_id, id=1, created_at="2000-01-01T00:00:00Z")

        assert task["user_id"] == user.user_id
        assert task["id"] != 1
        assert instant(task["created_at"]).year > 2000
        assert other.titles() == ["Theirs"]

    def test_a_task_starts_incomplete_and_its_timestamps_are_now(self, user: Caller) -> None:
        before = datetime.now(timezone.utc)
        task = user.make_task("Buy milk")
        after = datetime.now(timezone.utc)

        assert task["completed"] is False
        assert before <= instant(task["created_at"]) <= after
        assert before <= instant(task["updated_at"]) <= after

    def test_a_task_can_be_created_completed(self, user: Caller) -> None:
        assert user.make_task("Already done", completed=True)["completed"] is True


class TestViewAllTasks:
    """User story 2."""

    def test_given_3_tasks_all_3_are_returned_in_full(self, user: Caller) -> None:
        tasks = [user.make_task(f"Task {number}", description="…") for number in range(3)]

        response = user("GET", "/api/tasks")

        assert response.status_code == 200
        assert response.json == {"data": tasks[::-1]}

    def test_given_no_tasks_the_list_is_empty(self, user: Caller) -> None:
        response = user("GET", "/api/tasks")

        assert (response.status_code, response.json) == (200, {"data": []})

    def test_given_two_users_each_sees_only_their_own(self, make_user: Callable[..., Caller]) -> None:
        ada, ben = make_user(), make_user()
        ada.make_task("Ada's")
        ben.make_task("Ben's")

        assert ada.titles() == ["Ada's"]
        assert ben.titles() == ["Ben's"]

    def test_given_no_token_it_is_401(self, anonymous: Caller) -> None:
        assert error_of(anonymous("GET", "/api/tasks")) == (401, "UNAUTHORIZED")

    def test_given_an_authenticated_user_with_10_tasks_the_list_is_newest_first(self, user: Caller) -> None:
        for number in range(10):
            user.make_task(f"Task {number}")

        assert user.titles() == [f"Task {number}" for number in reversed(range(10))]

    def test_given_more_than_1000_tasks_all_are_returned_without_pages(self, user: Caller, database: Database) -> None:
        user.make_task("The first")
        database.run(
            "INSERT INTO tasks (user_id, title) SELECT %s, 'Task ' || n FROM generate_series(1, 1200) n",
            (user.user_id,),
        )

        response = user("GET", "/api/tasks")

        assert len(response.json["data"]) == 1201
        assert set(response.json) == {"data"}


class TestUpdateExistingTask:
    """User story 3."""

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_new_title_and_description_are_stored_and_returned(self, user: Caller, method: str) -> None:
        task = user.make_task("Buy milk", due_date="2026-03-01")
        path = f"/api/tasks/{task['id']}"

        response = user(method, path, {"title": "Buy organic milk", "description": "From Whole Foods"})

        assert response.status_code == 200
        changed = response.json["data"]
        assert changed == {
            **task,
            "title": "Buy organic milk",
            "description": "From Whole Foods",
            "updated_at": changed["updated_at"],
        }
        assert user("GET", path).json["data"] == changed

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_missing_fields_keep_their_values_and_null_clears_a_field(self, user: Caller, method: str) -> None:
        task = user.make_task("Buy milk", description="2 l", due_date="2026-03-01", completed=True)
        path = f"/api/tasks/{task['id']}"

        kept = user(method, path, {"title": "Buy more milk"}).json["data"]
        cleared = user(method, path, {"description": None, "due_date": None}).json["data"]

        assert (kept["description"], kept["due_date"], kept["completed"]) == ("2 l", "2026-03-01", True)
        assert (cleared["description"], cleared["due_date"]) == (None, None)
        assert (cleared["title"], cleared["completed"]) == ("Buy more milk", True)

    @pytest.mark.parametrize("body", [{}, {"colour": "red"}, {"user_id": "someone"}])
    def test_an_update_needs_at_least_one_known_field(self, user: Caller, body: dict[str, object]) -> None:
        task = user.make_task("Buy milk")

        assert error_of(user("PATCH", f"/api/tasks/{task['id']}", body)) == (422, "VALIDATION_ERROR")

    @pytest.mark.parametrize("title", ["", "   ", None])
    def test_an_empty_title_is_422(self, user: Caller, title: str | None) -> None:
        task = user.make_task("Buy milk")
        path = f"/api/tasks/{task['id']}"

        assert error_of(user("PUT", path, {"title": title})) == (422, "VALIDATION_ERROR")
        assert user("GET", path).json["data"] == task

    def test_an_update_changes_updated_at_and_keeps_created_at(self, user: Caller) -> None:
        task = user.make_task("Buy milk")

        changed = user("PUT", f"/api/tasks/{task['id']}", {"title": "Buy milk"}).json["data"]

        assert changed["created_at"] == task["created_at"]
        assert instant(task["updated_at"]) < instant(changed["updated_at"]) <= datetime.now(timezone.utc)

    def test_an_unknown_task_is_404(self, user: Caller) -> None:
        assert error_of(user("PUT", "/api/tasks/1", {"title": "x"})) == (404, "NOT_FOUND")

    def test_the_last_write_wins(self, user: Caller) -> None:
        path = f"/api/tasks/{user.make_task('Buy milk')['id']}"

        for title in ("First", "Second"):
            assert user("PUT", path, {"title": title}).status_code == 200

        assert user("GET", path).json["data"]["title"] == "Second"


class TestDeleteTask:
    """User story 4."""

    def test_a_deleted_task_is_not_found(self, user: Caller, database: Database) -> None:
        path = f"/api/tasks/{user.make_task('Buy milk')['id']}"

        response = user("DELETE", path)

        assert (response.status_code, response.content) == (204, b"")
        assert database.run("SELECT count(*) FROM tasks") == [(0,)]
        for method in ("GET", "DELETE"):
            assert error_of(user(method, path)) == (404, "NOT_FOUND")


class TestToggleCompletion:
    """User story 5."""

    @pytest.mark.parametrize("body", [{"status": "done"}, {"title": "Buy milk"}, {"done": True}])
    def test_a_body_that_does_not_name_the_completion_is_not_valid(self, user: Caller, body: dict[str, object]) -> None:
        """It may be a word for a state that is not known here. A flip would undo it when the client repeats it."""
        task = user.make_task("Buy milk")
        response = user("PATCH", f"/api/tasks/{task['id']}/complete", body)
        assert error_of(response) == (422, "VALIDATION_ERROR")
        assert response.json["error"]["details"][0]["field"] == "completed"
        assert user("GET", f"/api/tasks/{task['id']}").json["data"] == task

    @pytest.mark.parametrize("body", [None, {}])
    def test_a_completion_request_without_a_value_toggles(self, user: Caller, body: dict[str, object] | None) -> None:
        task = user.make_task("Buy milk")
        path = f"/api/tasks/{task['id']}/complete"

        done = user("PATCH", path, body).json["data"]
        undone = user("PATCH", path, body).json["data"]

        assert (done["completed"], undone["completed"]) == (True, False)
        assert instant(task["updated_at"]) < instant(done["updated_at"]) < instant(undone["updated_at"])

    @pytest.mark.parametrize("wanted", [True, False])
    def test_setting_completed_is_safe_to_repeat(self, user: Caller, wanted: bool) -> None:
        path = f"/api/tasks/{user.make_task('Buy milk')['id']}/complete"

        for _ in range(2):
            assert user("PATCH", path, {"completed": wanted}).json["data"]["completed"] is wanted

    @pytest.mark.parametrize("wanted", ["true", 1, None, []])
    def test_completed_must_be_a_boolean(self, user: Caller, wanted: object) -> None:
        task = user.make_task("Buy milk")

        response = user("PATCH", f"/api/tasks/{task['id']}/complete", {"completed": wanted})

        assert error_of(response) == (422, "VALIDATION_ERROR")
        assert user("GET", f"/api/tasks/{task['id']}").json["data"] == task


class TestEdgeCases:
    """The specification's edge cases that have no story of their own."""

    def test_a_token_without_a_user_id_is_401(self, make_user: Callable[..., Caller]) -> None:
        assert error_of(make_user(sub=None)("GET", "/api/tasks")) == (401, "TOKEN_INVALID")

    def test_an_expired_token_is_401_token_expired(self, make_user: Callable[..., Caller]) -> None:
        expired = make_user(exp=int(time.time()) - 1)

        assert error_of(expired("GET", "/api/tasks")) == (401, "TOKEN_EXPIRED")

    def test_a_user_id_in_the_query_changes_nothing(self, user: Caller, make_user: Callable[..., Caller]) -> None:
        other = make_user()
        other.make_task("Theirs")

        assert user.titles(user_id=str(other.user_id)) == []

    def test_deleting_a_user_deletes_their_tasks(self, user: Caller, database: Database) -> None:
        user.make_task("Buy milk")

        database.run("DELETE FROM users WHERE id = %s", (user.user_id,))

        assert database.run("SELECT count(*) FROM tasks") == [(0,)]

    def test_a_trailing_slash_is_the_same_path(self, user: Caller) -> None:
        task = user.make_task("Buy milk")

        assert user("GET", "/api/tasks/").json == {"data": [task]}
        assert user("GET", f"/api/tasks/{task['id']}/").json == {"data": task}

    def test_no_session_is_kept(self, user: Caller, anonymous: Caller) -> None:
        response = user("GET", "/api/tasks", headers={"Authorization": f"bearer {token_for(str(user.user_id))}"})

        assert response.status_code == 200
        assert "set-cookie" not in response.headers
        assert error_of(anonymous("GET", "/api/tasks")) == (401, "UNAUTHORIZED")

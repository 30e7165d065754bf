"""The specification "Backend API & Database", and the paths of "Todo Backend API": /api/{user_id}/tasks."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urljoin

import pytest

from tests.contracts.families import OWNER_PATH
from tests.support.callers import Caller, error_of


class TestCreateATask:
    """User story 1."""

    def test_valid_data_creates_a_task_with_201(self, user: Caller) -> None:
        fields = {"title": "Pay rent", "description": "March", "due_date": "2026-03-01"}

        response = user("POST", f"/api/{user.user_id}/tasks", fields)

        assert response.status_code == 201
        task = response.json["data"]
        assert isinstance(task["id"], int)
        assert {name: task[name] for name in fields} == fields
        assert task["user_id"] == user.user_id
        assert response.headers["location"] == f"/api/{user.user_id}/tasks/{task['id']}"

    @pytest.mark.parametrize(
        ("fields", "wrong"),
        [
            ({}, "title"),
            ({"title": ""}, "title"),
            ({"title": 5}, "title"),
            ({"title": "x", "due_date": "tomorrow"}, "due_date"),
            ({"title": "x", "completed": "no"}, "completed"),
        ],
    )
    def test_invalid_data_is_422_with_the_field_named(
        self, user: Caller, fields: dict[str, object], wrong: str
    ) -> None:
        response = user("POST", f"/api/{user.user_id}/tasks", fields)

        assert error_of(response) == (422, "VALIDATION_ERROR")
        assert [each["field"] for each in response.json["error"]["details"]] == [wrong]


class TestViewTheUsersTasks:
    """User story 2."""

    def test_all_tasks_of_the_user_are_listed(self, user: Caller, make_user: Callable[..., Caller]) -> None:
        make_user().make_task("Theirs")
        mine = [user.make_task("First"), user.make_task("Second")]

        response = user("GET", f"/api/{user.user_id}/tasks")

        assert (response.status_code, response.json) == (200, {"data": mine[::-1]})

    def test_another_users_path_is_403(self, user: Caller, make_user: Callable[..., Caller]) -> None:
        other = make_user()
        other.make_task("Theirs")

        assert error_of(user("GET", f"/api/{other.user_id}/tasks")) == (403, "FORBIDDEN")

    def test_the_path_of_an_unknown_user_is_403(self, user: Caller) -> None:
        assert error_of(user("GET", "/api/nobody-at-all/tasks")) == (403, "FORBIDDEN")

    def test_the_user_id_in_the_path_must_match_exactly(self, make_user: Callable[..., Caller]) -> None:
        user = make_user("Ada")

        for spelling in ("ada", "ADA", "Ada%20", "Ad%C3%A1"):
            assert error_of(user("GET", f"/api/{spelling}/tasks")) == (403, "FORBIDDEN")


class TestUpdateAndManageTasks:
    """User story 3."""

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_an_update_is_200(self, user: Caller, method: str) -> None:
        task = user.make_task("Pay rent")

        response = user(method, f"/api/{user.user_id}/tasks/{task['id']}", {"due_date": "2026-04-01"})

        assert response.status_code == 200
        assert response.json["data"]["due_date"] == "2026-04-01"
        assert response.json["data"]["title"] == "Pay rent"

    def test_toggling_completion_is_200(self, user: Caller) -> None:
        task = user.make_task("Pay rent")

        response = user("PATCH", f"/api/{user.user_id}/tasks/{task['id']}/complete")

        assert response.status_code == 200
        assert response.json["data"]["completed"] is True

    def test_a_deletion_is_204(self, user: Caller) -> None:
        task = user.make_task("Pay rent")

        assert user("DELETE", f"/api/{user.user_id}/tasks/{task['id']}").status_code == 204
        assert user.titles() == []


class TestEdgeCases:
    """The specification's edge cases."""

    def test_a_task_that_does_not_exist_is_404(self, user: Caller) -> None:
        assert error_of(user("GET", f"/api/{user.user_id}/tasks/1")) == (404, "NOT_FOUND")

    def test_another_users_task_under_the_callers_path_is_404(
        self, user: Caller, make_user: Callable[..., Caller]
    ) -> None:
        theirs = make_user().make_task("Theirs")

        assert error_of(user("GET", f"/api/{user.user_id}/tasks/{theirs['id']}")) == (404, "NOT_FOUND")

    def test_another_users_path_is_rejected_before_the_body_is_read_and_the_database_queried(
        self, user: Caller, statements: list[str]
    ) -> None:
        response = user("POST", "/api/someone-else/tasks", headers={"Content-Type": "text/plain"}, body=b"{")

        assert error_of(response) == (403, "FORBIDDEN")
        assert statements == []
        user("GET", "/api/tasks")
        assert len(statements) == 1

    @pytest.mark.parametrize(
        "user_id",
        ["a b", "a%2Fb", "zoë", "張三", "🦄", "a+b", "a?b#c", "a&b=c", "a@b.example", "{x}", "..", "a;b,c", "[1]"],
    )
    def test_user_ids_of_any_characters_are_percent_encoded_in_the_path(
        self, make_user: Callable[..., Caller], user_id: str
    ) -> None:
        user = make_user(user_id)

        made = user("POST", OWNER_PATH.tasks(user_id), {"title": "Mine"})

        assert made.status_code == 201, made.text
        assert made.json["data"]["user_id"] == user_id
        location = made.headers["location"]
        assert not set("?#") & set(location)
        assert user("GET", location).json == made.json

    @pytest.mark.parametrize("user_id", [".", ".."])
    def test_a_user_id_that_clients_resolve_as_a_path_is_left_out_of_urls(
        self, make_user: Callable[..., Caller], user_id: str
    ) -> None:
        user = make_user(user_id)
        path = OWNER_PATH.tasks(user_id)

        first, last = (user("POST", path, {"title": title}) for title in ("First", "Last"))
        page = user("GET", f"{path}?limit=1")

        location = first.headers["location"]
        assert location == f"/api/tasks/{first.json['data']['id']}"
        assert urljoin(f"https://host.example{path}", location) == f"https://host.example{location}"
        assert user("GET", location).json == first.json
        assert page.json["data"] == [last.json["data"]]
        assert page.headers["link"] == "</api/tasks?page=2&limit=1>; rel=next"

    @pytest.mark.parametrize("user_id", ["...", "..a", "%2e%2e", "%2E.", ". ", "..\\"])
    def test_a_user_id_that_only_looks_like_one_stays_in_urls(
        self, make_user: Callable[..., Caller], user_id: str
    ) -> None:
        user = make_user(user_id)

        location = user("POST", OWNER_PATH.tasks(user_id), {"title": "Mine"}).headers["location"]

        assert location.startswith(f"{OWNER_PATH.tasks(user_id)}/")
        assert urljoin("https://host.example/api/x/tasks", location) == f"https://host.example{location}"
        assert user("GET", location).status_code == 200

    @pytest.mark.parametrize("user_id", ["a/b", "tasks"])
    def test_user_ids_that_no_path_can_hold_work_in_the_other_families(
        self, make_user: Callable[..., Caller], user_id: str
    ) -> None:
        task = make_user(user_id).make_task("Mine")

        assert task["user_id"] == user_id
        assert make_user(user_id)("GET", f"/tasks/{task['id']}").json["data"] == task

"""Clients D, E, H and J: the user in the path, and the tokens of another issuer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.frontends.page import Page
from tests.support.signing import claims, signer_for


@pytest.fixture
def tasks_total(open_page: Callable[..., Page]) -> Page:
    return open_page("tasks-total")


@pytest.fixture
def owner_camel(open_page: Callable[..., Page]) -> Page:
    return open_page("owner-camel")


@pytest.fixture
def description(open_page: Callable[..., Page]) -> Page:
    return open_page("description")


@pytest.fixture
def starred(open_page: Callable[..., Page]) -> Page:
    return open_page("starred")


def tasks(page: Page) -> str:
    return f"/api/{page.user_id}/tasks"


class TestTasksTotal:
    """Client D: `{tasks, total, completed_count, pending_count}` and `{task}`."""

    def create(self, page: Page, **fields: Any) -> Any:
        return page("POST", tasks(page), {"title": "Buy milk", **fields}, status=201)["task"]

    def test_a_list_has_counts_of_what_matches_it(self, tasks_total: Page) -> None:
        done = self.create(tasks_total, completed=True)
        self.create(tasks_total)

        assert tasks_total("GET", tasks(tasks_total), limit="1")["total"] == 2
        listed = tasks_total("GET", tasks(tasks_total))
        assert (listed["total"], listed["completed_count"], listed["pending_count"]) == (2, 1, 1)
        listed = tasks_total("GET", f"{tasks(tasks_total)}?status=completed")
        assert (listed["tasks"], listed["total"], listed["pending_count"]) == ([done], 1, 0)

    def test_priority_and_category_have_defaults_and_are_stored(self, tasks_total: Page) -> None:
        task = self.create(tasks_total)
        assert (task["priority"], task["category"]) == ("medium", "other")
        path = f"{tasks(tasks_total)}/{task['id']}"

        changed = tasks_total("PUT", path, {"title": "Bread", "priority": "high", "category": "work"})["task"]

        assert (changed["title"], changed["priority"], changed["category"]) == ("Bread", "high", "work")
        assert tasks_total("GET", path)["task"] == changed
        assert tasks_total("GET", tasks(tasks_total), priority="high", category="work")["tasks"] == [changed]
        assert tasks_total("GET", tasks(tasks_total), priority="low")["total"] == 0

    def test_a_list_is_sorted(self, tasks_total: Page) -> None:
        for title in ("b", "a"):
            self.create(tasks_total, title=title)

        listed = tasks_total("GET", tasks(tasks_total), sort_by="title")["tasks"]

        assert [task["title"] for task in listed] == ["a", "b"]

    def test_complete_reopen_and_delete(self, tasks_total: Page) -> None:
        path = f"{tasks(tasks_total)}/{self.create(tasks_total)['id']}"

        states = [tasks_total("PATCH", f"{path}/complete")["task"]["completed"] for _ in range(2)]

        assert states == [True, False]
        assert tasks_total("DELETE", path, status=204) is None

    def test_an_error_has_code_message_and_details(self, tasks_total: Page) -> None:
        error = tasks_total("POST", tasks(tasks_total), {"title": "a", "priority": 1}, status=422)["error"]

        message = "Priority must be text or null"
        assert (error["code"], error["message"]) == ("VALIDATION_ERROR", message)
        assert error["details"] == [{"field": "priority", "message": message}]


class TestOwnerCamel:
    """Client E: bare camelCase tasks."""

    def create(self, page: Page, **fields: Any) -> Any:
        return page("POST", tasks(page), {"title": "Buy milk", **fields}, status=201)

    def test_a_task_is_created_listed_and_changed(self, owner_camel: Page) -> None:
        form = {"title": "Buy milk", "description": "", "dueDate": "", "priority": "low", "category": "home"}
        task = owner_camel("POST", tasks(owner_camel), form, status=201)

        assert (task["dueDate"], task["priority"], task["category"]) == (None, "low", "home")
        assert task["userId"] == owner_camel.user_id
        assert owner_camel("GET", f"{tasks(owner_camel)}/") == [task]
        path = f"{tasks(owner_camel)}/{task['id']}"
        changed = owner_camel("PUT", path, {"title": "Bread", "dueDate": "2026-12-01"})
        assert (changed["dueDate"], changed["priority"]) == ("2026-12-01", "low")
        assert changed["updatedAt"] > task["updatedAt"]
        assert owner_camel("GET", path) == changed

    @pytest.mark.parametrize(
        ("sort", "order", "titles"),
        [
            ("createdAt", "asc", ["b", "a"]),
            ("createdAt", "desc", ["a", "b"]),
            ("dueDate", "asc", ["a", "b"]),
            ("title", "desc", ["b", "a"]),
        ],
    )
    def test_a_list_is_sorted(self, owner_camel: Page, sort: str, order: str, titles: list[str]) -> None:
        self.create(owner_camel, title="b", dueDate="2026-12-02")
        self.create(owner_camel, title="a", dueDate="2026-12-01")

        listed = owner_camel("GET", f"{tasks(owner_camel)}?status=all", sort_by=sort, sort_order=order)

        assert [task["title"] for task in listed] == titles

    def test_complete_reopen_and_delete(self, owner_camel: Page) -> None:
        path = f"{tasks(owner_camel)}/{self.create(owner_camel)['id']}"

        assert [owner_camel("PATCH", f"{path}/complete")["completed"] for _ in range(2)] == [True, False]
        assert owner_camel("DELETE", path, status=204) is None
        assert owner_camel("GET", path, status=404)["detail"] == "Task not found"

    def test_a_wrong_sort_names_the_clients_parameter(self, owner_camel: Page) -> None:
        refused = owner_camel("GET", tasks(owner_camel), sort_by="colour", status=422)

        assert refused["detail"].startswith("Sort must be one of")


class TestDescription:
    """Client H: `description` is the title."""

    def create(self, page: Page, description: str = "Buy milk") -> Any:
        return page("POST", tasks(page), {"description": description}, status=201)

    def test_a_description_is_created_listed_and_changed(self, description: Page) -> None:
        task = self.create(description)

        assert (task["description"], task["completed"]) == ("Buy milk", False)
        assert "title" not in task
        assert description("GET", tasks(description)) == [task]
        path = f"{tasks(description)}/{task['id']}"
        assert description("PUT", path, {"description": "Bread"})["description"] == "Bread"
        assert description("GET", path)["description"] == "Bread"
        assert [description("PATCH", f"{path}/complete")["completed"] for _ in range(2)] == [True, False]
        assert description("DELETE", path, status=204) is None

    def test_a_list_is_filtered_by_completed(self, description: Page) -> None:
        done = self.create(description, "Done")
        self.create(description, "Open")
        description("PATCH", f"{tasks(description)}/{done['id']}/complete")

        def listed(completed: str) -> list[str]:
            return [task["description"] for task in description("GET", tasks(description), completed=completed)]

        assert (listed("true"), listed("false"), listed("")) == (["Done"], ["Open"], ["Open", "Done"])

    def test_an_error_has_the_message_at_each_place_where_it_is_read(self, description: Page) -> None:
        error = description("POST", tasks(description), {"description": "  "}, status=422)

        assert error["detail"] == error["message"] == error["error"]["message"] == "Description is required"
        assert error["error"]["details"][0]["field"] == "description"


class TestStarred:
    """Client J: tasks with a star."""

    def test_a_task_is_created_starred_completed_and_deleted(self, starred: Page) -> None:
        task = starred("POST", tasks(starred), {"title": "Buy milk", "priority": "high"}, status=201)
        assert (task["priority"], task["starred"]) == ("high", False)
        path = f"{tasks(starred)}/{task['id']}"

        assert starred("PATCH", path, {"starred": True})["starred"] is True
        listed = starred("GET", tasks(starred))
        assert [(each["id"], each["starred"]) for each in listed] == [(task["id"], True)]
        assert starred("GET", tasks(starred), starred="false") == []
        assert starred("PUT", path, {**listed[0], "title": "Bread"})["title"] == "Bread"
        assert [starred("PATCH", f"{path}/complete")["completed"] for _ in range(2)] == [True, False]
        assert starred("GET", path)["starred"] is True
        assert starred("DELETE", path, status=204) is None
        assert starred("GET", path, status=404)["detail"] == "Task not found"

    def test_a_star_that_is_no_boolean_is_refused_and_nothing_is_stored(self, starred: Page) -> None:
        refused = starred("POST", tasks(starred), {"title": "a", "starred": "yes"}, status=422)

        assert refused["detail"].startswith("Starred must be true or false")
        assert starred("GET", tasks(starred)) == []

    def test_a_token_may_name_the_user_in_both_claims(self, starred: Page) -> None:
        task = starred("POST", tasks(starred), {"title": "Buy milk"}, status=201)

        starred.token = signer_for("HS256").sign(claims(sub=starred.user_id, user_id=starred.user_id))

        assert starred("GET", tasks(starred)) == [task]

"""Pages send a whole task back with one member changed. Its other names for that member still have the old value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from falcon.testing import TestClient

from tests.frontends.page import Page, through_client
from tests.support.signing import token_for

PROFILE = """
summary = "Two names of everything."

[also]
title = ["text"]
completed = ["done"]

[status]
name = "status"
done = "closed"
open = "new"
others = ["active"]

[responses]
task = "$task"
"""


@pytest.fixture
def page(make_client: Callable[..., TestClient], tmp_path: Path) -> Page:
    profile = tmp_path / "two-names.toml"
    profile.write_text(PROFILE)
    return Page(through_client(make_client(FRONTEND=str(profile))), token_for("ada"))


@pytest.fixture
def task(page: Page) -> dict[str, Any]:
    created: dict[str, Any] = page("POST", "/api/tasks", {"title": "Buy milk"}, status=201)
    return created


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"title": "Bread"}, {"title": "Bread", "text": "Bread"}),
        ({"text": "Bread"}, {"title": "Bread", "text": "Bread"}),
        ({"completed": True}, {"completed": True, "done": True, "status": "closed"}),
        ({"done": True}, {"completed": True, "done": True, "status": "closed"}),
        ({"status": "closed"}, {"completed": True, "done": True, "status": "closed"}),
        ({"status": "active"}, {"completed": False, "done": False, "status": "active"}),
    ],
)
def test_the_changed_member_counts(
    page: Page, task: dict[str, Any], change: dict[str, Any], shown: dict[str, Any]
) -> None:
    changed = page("PUT", f"/api/tasks/{task['id']}", {**task, **change})

    assert {name: changed[name] for name in shown} == shown
    assert page("GET", f"/api/tasks/{task['id']}") == changed


@pytest.mark.parametrize(
    "body", [{"title": "Bread", "text": "Butter"}, {"completed": True, "status": "active"}, {"done": 1, "title": ""}]
)
def test_two_changes_that_contradict_each_other_are_not_valid(
    page: Page, task: dict[str, Any], body: dict[str, Any]
) -> None:
    page("PATCH", f"/api/tasks/{task['id']}", body, status=422)

    assert page("GET", f"/api/tasks/{task['id']}") == task


def test_another_users_task_is_not_found(page: Page, task: dict[str, Any]) -> None:
    page.token = token_for("eve")

    page("PUT", f"/api/tasks/{task['id']}", {**task, "text": "Bread"}, status=404)


def test_a_new_task_may_not_contradict_itself(page: Page) -> None:
    page("POST", "/api/tasks", {"title": "Bread", "text": "Butter"}, status=422)
    page("POST", "/api/tasks", {"title": "Bread", "completed": False, "status": "closed"}, status=422)

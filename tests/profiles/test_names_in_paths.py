"""Users whose ids are words of the paths: each path has one meaning, and nobody reaches another user's tasks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from falcon.testing import TestClient

from tests.support.callers import Caller

PROFILE = """
summary = "Mine."
[tasks]
path = "/api/{user_id}/tasks"
aliases = ["/api/tasks", "/api/v1/tasks"]
[accounts]
login = ["/api/auth/login"]
me = ["/api/auth/me", "/api/tasks/me"]
"""


@pytest.mark.parametrize("user_id", ["v1", "v2", "auth", "me", "canonical", "docs", "health", "static", "login"])
def test_a_user_with_such_an_id_is_served_in_the_path(
    tmp_path: Path, make_client: Callable[..., TestClient], make_user: Callable[..., Caller], user_id: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(PROFILE, encoding="utf-8")
    client = make_client(FRONTEND=str(path))
    user, other = make_user(user_id, through=client), make_user("ada", through=client)
    home = f"/api/{user_id}/tasks"
    number = user("POST", home, {"title": "Mine"}).json["data"]["id"]
    for collection in (home, "/api/tasks", "/api/v1/tasks"):
        assert [task["title"] for task in user("GET", collection).json["data"]] == ["Mine"]
        assert user("GET", f"{collection}/{number}").json["data"]["user_id"] == user_id
        assert other("GET", f"{collection}/{number}").status_code in (403, 404)
    assert user("GET", "/api/auth/me").json["data"]["id"] == user_id
    assert user("PATCH", f"{home}/{number}/complete").json["data"]["completed"] is True


def test_a_user_called_tasks_has_the_paths_without_an_owner(
    tmp_path: Path, make_client: Callable[..., TestClient], make_user: Callable[..., Caller]
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(PROFILE, encoding="utf-8")
    user = make_user("tasks", through=make_client(FRONTEND=str(path)))
    assert user("POST", "/api/tasks", {"title": "Mine"}).status_code == 201
    assert user("GET", "/api/tasks/tasks").status_code == 422
    assert [task["title"] for task in user("GET", "/api/v1/tasks").json["data"]] == ["Mine"]

"""The weak entity tag of a list that is sent in one piece, and 304 for who has it (RFC 9110, section 13.1.2)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from falcon.testing import Result, TestClient

from api.postgres.database import Database
from tests.support.callers import Caller

WEAK = re.compile(r'W/"[0-9a-f]{32}"')


def ask(user: Caller, tag: str, path: str = "/api/tasks", method: str = "GET", **query: str) -> Result:
    return user(method, path, params=query, headers={"If-None-Match": tag})


def tag_of(user: Caller, path: str = "/api/tasks", **query: str) -> str:
    tag = user("GET", path, params=query).headers["etag"]
    assert WEAK.fullmatch(tag), tag
    return tag


@pytest.mark.parametrize("query", [{}, {"status": "pending"}, {"limit": "2"}, {"search": "milk"}], ids=str)
def test_a_list_that_has_not_changed_is_304_without_a_body(user: Caller, query: dict[str, str]) -> None:
    for _ in range(3):
        user.make_task()
    tag = tag_of(user, **query)

    response = ask(user, f'"other", {tag}', **query)

    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == tag
    assert "Accept-Encoding" in response.headers["vary"]
    assert response.headers["cache-control"] == "no-store"
    assert response.headers.get("link") == user("GET", "/api/tasks", params=query).headers.get("link")
    assert ask(user, tag, method="HEAD", **query).status_code == 304
    assert ask(user, "*", **query).status_code == 304
    assert ask(user, tag.removeprefix("W/"), **query).status_code == 304


def test_an_empty_list_has_a_tag(user: Caller) -> None:
    assert ask(user, tag_of(user)).status_code == 304


def test_every_change_of_a_task_changes_the_tag(user: Caller) -> None:
    task = user.make_task()
    path = f"/api/tasks/{task['id']}"
    tags = [tag_of(user)]
    for method, target, body in (
        ("PATCH", path, {"title": "Buy bread"}),
        ("PATCH", f"{path}/complete", None),
        ("PATCH", path, {"due_date": "2026-03-01"}),
        ("POST", "/api/tasks", {"title": "Another"}),
        ("DELETE", path, None),
    ):
        assert user(method, target, body).status_code < 300
        assert ask(user, tags[-1]).status_code == 200
        tags.append(tag_of(user))
    assert len(set(tags)) == len(tags)


def test_other_queries_families_and_users_have_other_tags(user: Caller, make_user: Callable[..., Caller]) -> None:
    other = make_user()
    tags = [
        tag_of(user),
        tag_of(user, status="all"),
        tag_of(user, sort="title"),
        tag_of(user, "/tasks"),
        tag_of(user, f"/api/{user.user_id}/tasks"),
    ]

    assert len(set(tags)) == len(tags)
    other.make_task()
    assert ask(other, tags[0]).status_code == 200


def test_a_list_in_pieces_has_no_tag(user: Caller, database: Database) -> None:
    user.make_task()
    database.run("UPDATE tasks SET description = repeat('lorem ', 1600)")
    database.run(
        "INSERT INTO tasks (user_id, title, description, folded_version) "
        "SELECT user_id, title, description, 1 FROM tasks, generate_series(1, 200)"
    )

    response = ask(user, "*")

    assert response.status_code == 200
    assert "etag" not in response.headers
    assert len(response.json["data"]) == 201


def test_a_profile_has_tags_too(make_client: Callable[..., TestClient], make_user: Callable[..., Caller]) -> None:
    user = make_user(through=make_client(FRONTEND="camel"))
    user("POST", "/api/tasks", {"title": "Buy milk"})
    own, canonical = tag_of(user), tag_of(user, "/canonical/api/tasks")

    assert ask(user, own).status_code == 304
    assert own != canonical

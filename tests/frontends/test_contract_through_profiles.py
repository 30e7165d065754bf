"""Cursors, entity tags and idempotency keys work through profiles, in each frontend's own words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from api.postgres.database import Database
from tests.frontends.page import Page, Reply
from tests.frontends.surfaces import SURFACES, Surface, through_every_profile

BY_NAME = {surface.profile: surface for surface in SURFACES}

through_some_profiles = pytest.mark.parametrize(
    "surface",
    [BY_NAME[name] for name in ("plain", "camel", "success-data", "nest", "description", "todo-backend")],
    ids=lambda surface: surface.profile,
)


def next_path(reply: Reply) -> str | None:
    """The path and query of the next page, from the Link header field."""
    match = re.search(r'<([^>]+)>; rel="?next"?', reply.headers.get("link", ""))
    if match is None:
        return None
    url = urlsplit(match[1])
    return f"{url.path}?{url.query}"


def titles(surface: Surface, reply: Reply) -> list[str]:
    assert reply.status == 200, reply.body
    return re.findall(rf'"{surface.title}":"([^"]*)"', reply.body.decode())


@pytest.fixture
def open_with_tasks(open_page: Callable[..., Page]) -> Callable[[Surface], Page]:
    """A function that opens a page whose user has the tasks a to e."""

    def open_(surface: Surface) -> Page:
        page = open_page(surface.profile)
        for title in "abcde":
            page("POST", surface.tasks(page.user_id), {surface.title: title}, status=201)
        return page

    return open_


@through_some_profiles
def test_a_walk_by_cursor_sees_each_task_once_while_tasks_come(
    open_with_tasks: Callable[[Surface], Page], surface: Surface
) -> None:
    page = open_with_tasks(surface)
    collection = surface.tasks(page.user_id)
    first = page("GET", "/canonical/api/tasks", limit="2")
    seen = [task["title"] for task in first["data"]]
    path: str | None = f"{collection}?limit=2&cursor={first['pagination']['next_cursor']}"
    while path is not None:
        page("POST", collection, {surface.title: "new"}, status=201)
        reply = page.send("GET", path)
        seen += titles(surface, reply)
        path = next_path(reply)

    assert seen == ["e", "d", "c", "b", "a"]


@through_some_profiles
def test_the_links_of_pages_stay_on_the_clients_path(
    open_with_tasks: Callable[[Surface], Page], surface: Surface
) -> None:
    page = open_with_tasks(surface)
    path: str | None = f"{surface.tasks(page.user_id)}?limit=2&page=1&sort=title"
    seen: list[str] = []
    while path is not None:
        assert path.startswith(surface.tasks(page.user_id))
        reply = page.send("GET", path)
        seen += titles(surface, reply)
        path = next_path(reply)

    assert seen == ["a", "b", "c", "d", "e"]


@through_every_profile
def test_a_list_of_several_pieces_is_whole(
    open_page: Callable[..., Page], database: Database, surface: Surface
) -> None:
    page = open_page(surface.profile)
    page("POST", "/canonical/api/tasks", {"title": "Task 0"}, status=201)
    database.run(
        "INSERT INTO tasks (user_id, title) SELECT %s, 'Task ' || n FROM generate_series(1, 9000) n", (page.user_id,)
    )

    reply = page.send("GET", surface.tasks(page.user_id))

    json.loads(reply.body)
    assert sorted(titles(surface, reply)) == sorted(f"Task {number}" for number in range(9001))


@through_every_profile
def test_a_stale_entity_tag_changes_and_deletes_nothing(open_page: Callable[..., Page], surface: Surface) -> None:
    page = open_page(surface.profile)
    created = page.send("POST", surface.tasks(page.user_id), {surface.title: "Buy milk"})
    path = created.headers["location"]
    stale = page.send("GET", path).headers["etag"]
    assert stale == created.headers["etag"]
    page.headers["If-None-Match"] = stale
    assert page.send("GET", path).status == 304
    del page.headers["If-None-Match"]
    page("PATCH", path, {surface.title: "Bread"})

    page.headers["If-Match"] = stale
    refused = page.send("PUT", path, {surface.title: "Butter"})
    assert refused.status == 412
    assert b"The task has changed since" in refused.body
    page("DELETE", path, status=412)
    page(surface.completion_methods[0], f"{path}{surface.completion}", surface.completion_body, status=412)

    page.headers["If-Match"] = page.send("GET", path).headers["etag"]
    assert b'"Bread"' in page.send("GET", path).body
    page("PUT", path, {surface.title: "Butter"})


@through_every_profile
def test_a_repeated_create_returns_the_first_response(open_page: Callable[..., Page], surface: Surface) -> None:
    page = open_page(surface.profile)
    collection = surface.tasks(page.user_id)
    page.headers["Idempotency-Key"] = "once"

    first = page.send("POST", collection, {surface.title: "Buy milk"})
    page.send("PATCH", first.headers["location"], {surface.title: "Bread"})
    second = page.send("POST", collection, {surface.title: "Buy milk"})

    assert (second.status, second.body) == (first.status, first.body)
    assert second.headers["idempotent-replayed"] == "true"
    assert titles(surface, page.send("GET", collection)) == ["Bread"]
    other = page.send("POST", collection, {surface.title: "Butter"})
    assert other.status == 422
    assert b"This Idempotency-Key was used with another body" in other.body


FURTHER: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("plain", {"priority": "high", "tags": ["a"]}, {"tags": ["b"]}),
    ("starred", {"starred": True}, {"starred": False}),
    ("status", {"status": "in-progress"}, {"status": "todo"}),
    ("nest", {"status": "IN_PROGRESS"}, {"status": "DONE"}),
    ("success-data", {"due_datetime": "2026-12-01T10:00"}, {"due_datetime": "2026-12-01T10:00Z"}),
    ("todo-backend", {"order": 1}, {"order": 2}),
]


@pytest.mark.parametrize(("profile", "fields", "changed"), FURTHER)
def test_further_fields_are_replayed_and_compared(
    open_page: Callable[..., Page], profile: str, fields: dict[str, Any], changed: dict[str, Any]
) -> None:
    page = open_page(profile)
    collection = BY_NAME[profile].tasks(page.user_id)
    page.headers["Idempotency-Key"] = "once"
    body = {"title": "Buy milk", **fields}

    first = page.send("POST", collection, body)
    assert page.send("POST", collection, body).body == first.body
    page("POST", collection, {**body, **changed}, status=422)
    page("POST", collection, {"title": "Buy milk"}, status=422)


@pytest.mark.parametrize("user", ["v1", "auth", "tasks", "canonical", "api", "1"])
@through_every_profile
def test_a_user_may_have_a_name_of_a_path(open_page: Callable[..., Page], surface: Surface, user: str) -> None:
    page = open_page(surface.profile, user)
    collection = surface.tasks(user)

    created = page.send("POST", collection, {surface.title: "Buy milk"})
    assert created.status == 201, created.body
    assert titles(surface, page.send("GET", collection)) == ["Buy milk"]
    path = created.headers["location"]
    page(surface.completion_methods[0], f"{path}{surface.completion}", surface.completion_body)
    page("DELETE", path, status=surface.deleted)
    assert titles(surface, page.send("GET", collection)) == []

"""Whatever a profile says, the owner is the token's: every call of every profile that ships, for every kind of target.

Each test compares the other user's rows before and after its call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from api.postgres.database import Database
from tests.frontends.page import Page
from tests.frontends.surfaces import METHODS, ROUTES, SURFACES, Surface, through_every_profile

TARGETS = ("own", "another's task", "unknown task", "no token", "another's path")


def expected(surface: Surface, route: str, method: str, target: str) -> int:
    """The status of one call."""
    if target == "no token":
        return 401
    if target == "another's path":
        return 403
    if method not in surface.own(route):
        return 405
    if target == "own":
        return surface.own(route)[method]
    return surface.foreign if target == "another's task" else 404


def cases() -> list[Any]:
    """Every combination of profile, route, method and target that exists."""
    found = []
    for surface in SURFACES:
        for route in ROUTES:
            targets = [each for each in TARGETS if surface.names_owner or each != "another's path"]
            if route == "collection":
                targets = [each for each in targets if not each.endswith(" task")]
            found += [
                pytest.param(surface, route, method, each, id=f"{surface.profile}-{method} {route}-{each}")
                for method in METHODS
                for each in targets
            ]
    return found


def make_task(page: Page, title: str) -> int:
    """A task made through the canonical contract, which is served beside every profile."""
    task_id: int = page("POST", "/canonical/api/tasks", {"title": title}, status=201)["data"]["id"]
    return task_id


def rows_of(database: Database, user_id: str) -> list[tuple[Any, ...]]:
    """Every column of every task of a user, as text."""
    return database.run("SELECT tasks::text FROM tasks WHERE user_id = %s ORDER BY id", (user_id,))


def body_of(surface: Surface, route: str, method: str) -> object:
    if method not in ("POST", "PUT", "PATCH"):
        return None
    return surface.completion_body if route == "completion" else {surface.title: "Changed"}


@pytest.mark.parametrize(("surface", "route", "method", "target"), cases())
def test_every_call_gets_its_status_and_leaves_other_users_alone(
    *, open_page: Callable[..., Page], database: Database, surface: Surface, route: str, method: str, target: str
) -> None:
    mine, theirs = open_page(surface.profile), open_page(surface.profile)
    own_id, other_id = make_task(mine, "Mine"), make_task(theirs, "Theirs")
    task_id = {"another's task": other_id, "unknown task": other_id + 1}.get(target, own_id)
    owner = theirs.user_id if target == "another's path" else mine.user_id
    before, own_before = rows_of(database, theirs.user_id), rows_of(database, mine.user_id)
    if target == "no token":
        mine.token = None

    reply = mine.send(method, surface.path(route, owner, task_id), body_of(surface, route, method))

    status = expected(surface, route, method, target)
    assert reply.status == status, reply.body
    assert b"Theirs" not in reply.body
    assert rows_of(database, theirs.user_id) == before
    if status >= 400:
        assert rows_of(database, mine.user_id) == own_before


@through_every_profile
def test_the_owner_in_a_body_is_ignored(open_page: Callable[..., Page], database: Database, surface: Surface) -> None:
    mine, theirs = open_page(surface.profile), open_page(surface.profile)
    named = dict.fromkeys(surface.foreign_names, theirs.user_id)
    own_id = make_task(mine, "Mine")

    mine("POST", surface.tasks(mine.user_id), {surface.title: "Spoofed", **named}, status=201)
    mine("PUT", f"{surface.tasks(mine.user_id)}/{own_id}", {surface.title: "Changed", **named})

    assert rows_of(database, theirs.user_id) == []
    assert len(rows_of(database, mine.user_id)) == 2


@through_every_profile
def test_the_owner_in_a_query_is_ignored(open_page: Callable[..., Page], surface: Surface) -> None:
    mine, theirs = open_page(surface.profile), open_page(surface.profile)
    make_task(theirs, "Theirs")

    reply = mine.send("GET", surface.tasks(mine.user_id), **dict.fromkeys(surface.foreign_names, theirs.user_id))

    assert reply.status == 200
    assert b"Theirs" not in reply.body


@through_every_profile
def test_the_canonical_contract_beside_it_has_the_same_owner(open_page: Callable[..., Page], surface: Surface) -> None:
    mine, theirs = open_page(surface.profile), open_page(surface.profile)
    other_id = make_task(theirs, "Theirs")

    assert mine("GET", "/canonical/api/tasks") == {"data": []}
    assert mine("GET", f"/canonical/api/tasks/{other_id}", status=404)["error"]["code"] == "NOT_FOUND"


def test_delete_all_deletes_the_tasks_of_the_tokens_user_alone(
    open_page: Callable[..., Page], database: Database
) -> None:
    mine, theirs = open_page("todo-backend"), open_page("todo-backend")
    for page in (mine, mine, theirs):
        make_task(page, "Any")

    mine("DELETE", "/todos", status=204)

    assert rows_of(database, mine.user_id) == []
    assert len(rows_of(database, theirs.user_id)) == 1


@pytest.mark.parametrize("query", ["completed=true", "ids=1", "all"])
def test_delete_all_with_a_query_deletes_nothing(open_page: Callable[..., Page], query: str) -> None:
    page = open_page("todo-backend")
    make_task(page, "Mine")

    page("DELETE", f"/todos?{query}", status=422)

    assert len(page("GET", "/todos")) == 1


@through_every_profile
def test_a_cookie_is_a_token_only_where_the_profile_has_it(open_page: Callable[..., Page], surface: Surface) -> None:
    mine, theirs = open_page(surface.profile), open_page(surface.profile)
    make_task(theirs, "Theirs")
    theirs.headers["Cookie"] = f"{surface.cookie or 'auth_token'}={theirs.token}"
    theirs.token = None
    expected = 200 if surface.cookie else 401

    assert theirs.send("GET", surface.tasks(theirs.user_id)).status == expected
    theirs("GET", "/canonical/api/tasks", status=401)
    if surface.cookie and surface.names_owner:
        theirs("GET", surface.tasks(mine.user_id), status=403)


def test_a_bearer_token_counts_before_the_cookie_of_another_user(open_page: Callable[..., Page]) -> None:
    mine, theirs = open_page("success-cookie"), open_page("success-cookie")
    make_task(theirs, "Theirs")
    mine.headers["Cookie"] = f"auth_token={theirs.token}"

    assert mine("GET", f"/api/{mine.user_id}/tasks")["data"]["tasks"] == []
    mine("GET", f"/api/{theirs.user_id}/tasks", status=403)


def test_an_alias_with_the_user_in_the_path_is_forbidden_to_others(open_page: Callable[..., Page]) -> None:
    mine, theirs = open_page("plain"), open_page("plain")
    other_id = make_task(theirs, "Theirs")

    mine("GET", f"/api/{theirs.user_id}/tasks", status=403)
    mine("DELETE", f"/api/{theirs.user_id}/tasks/{other_id}", status=403)
    mine("PATCH", f"/api/{mine.user_id}/tasks/{other_id}/toggle", status=404)

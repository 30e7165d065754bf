"""No user ever reaches another's tasks: every route, every method, every way of asking, in one table.

What is in the table is all of the contract's statuses for these calls; the rows of everybody are compared around
each of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from api.postgres.database import Database
from tests.contracts.families import CODES, FAMILIES, OWNER_PATH, Family, in_every_family
from tests.support.callers import Caller, error_of

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

# What a user's own task or list answers; a method that is not named is 405.
OWN = {
    "collection": {"GET": 200, "HEAD": 200, "POST": 201, "OPTIONS": 200},
    "task": {"GET": 200, "HEAD": 200, "PUT": 200, "PATCH": 200, "DELETE": 204, "OPTIONS": 200},
    "completion": {"PATCH": 200, "OPTIONS": 200},
}

# What is answered otherwise, where the method exists.
#                         canonical  owner path  bare
REFUSED = {
    "another's task":         (404,      404,     403),
    "unknown task":           (404,      404,     404),
    "not an integer":         (422,      422,     400),
}  # fmt: skip

# What is answered whatever the method is, OPTIONS aside.
ALWAYS = {"no token": 401, "another's path": 403}


def expected(family: Family, route: str, method: str, asked: str) -> int:
    """The status that the table has for one call."""
    if method == "OPTIONS":
        return 200
    if asked in ALWAYS:
        return ALWAYS[asked]
    if method not in OWN[route]:
        return 405
    if asked == "own":
        return OWN[route][method]
    return REFUSED[asked][FAMILIES.index(family)]


def cases() -> list[Any]:
    """Every call there is: families, routes, methods, and what is asked for."""
    found = []
    for family in FAMILIES:
        for route in OWN:
            asked = ["own", "no token", *(REFUSED if route != "collection" else ())]
            asked += ["another's path"] if family is OWNER_PATH else []
            found += [
                pytest.param(family, route, method, each, id=f"{family.name}-{method} {route}-{each}")
                for method in METHODS
                for each in asked
            ]
    return found


def path_of(family: Family, route: str, owner: str, task_id: object) -> str:
    if route == "collection":
        return family.tasks(owner)
    return family.task(owner, task_id) if route == "task" else family.completion(owner, task_id)


def all_rows(database: Database) -> list[tuple[Any, ...]]:
    """Every column of every task, as text."""
    return database.run("SELECT user_id, tasks::text FROM tasks ORDER BY id")


@pytest.mark.parametrize(("family", "route", "method", "asked"), cases())
def test_every_call_answers_as_the_table_says(
    *,
    user: Caller,
    nobody: Caller,
    make_user: Callable[..., Caller],
    database: Database,
    family: Family,
    route: str,
    method: str,
    asked: str,
) -> None:
    other = make_user()
    mine, theirs = user.make_task("Mine"), other.make_task("Theirs")
    task_ids = {"another's task": theirs["id"], "unknown task": theirs["id"] + 1, "not an integer": "seven"}
    owner = str((other if asked == "another's path" else user).user_id)
    path = path_of(family, route, owner, task_ids.get(asked, mine["id"]))
    before = all_rows(database)

    caller = nobody if asked == "no token" else user
    answer = caller(method, path, {"title": "Changed"} if method in ("POST", "PUT", "PATCH") else None)

    status = expected(family, route, method, asked)
    assert answer.status_code == status, answer.text
    after = all_rows(database)
    assert [row for row in after if row[0] == other.user_id] == [row for row in before if row[0] == other.user_id]
    assert "Theirs" not in answer.text
    if status >= 400:
        assert after == before
        if method != "HEAD":
            code = {401: "UNAUTHORIZED", 405: "METHOD_NOT_ALLOWED"}.get(status) or CODES[status]
            assert error_of(answer) == (status, code)


@in_every_family
@pytest.mark.parametrize(
    "task_id", ["0", "-1", "-0", "9223372036854775807", "9223372036854775808", "9" * 400, "-" + "9" * 5000]
)
def test_an_integer_that_no_task_can_have_is_not_found(user: Caller, family: Family, task_id: str) -> None:
    answer = user("GET", family.task(str(user.user_id), task_id))

    assert error_of(answer) == (404, "NOT_FOUND")


@in_every_family
@pytest.mark.parametrize(
    "task_id", ["1_0", "+1", "1.0", "0x1", "1e3", "%201", "1%20", "-", "--1", "%D9%A3", "null", "1%00", "%FF"]
)
def test_what_is_no_ascii_integer_is_not_valid(user: Caller, family: Family, task_id: str) -> None:
    answer = user("GET", family.task(str(user.user_id), task_id))

    assert error_of(answer) == (family.invalid, "VALIDATION_ERROR")
    assert [each["field"] for each in answer.json["error"]["details"]] == ["id"]


@in_every_family
def test_leading_zeros_name_the_same_task(user: Caller, family: Family) -> None:
    task = user.make_task("Mine")

    assert user("GET", family.task(str(user.user_id), f"{task['id']:030}")).json["data"] == task


@in_every_family
def test_options_needs_no_token_and_says_what_is_allowed(nobody: Caller, family: Family) -> None:
    for route, own in OWN.items():
        answer = nobody("OPTIONS", path_of(family, route, "somebody", 1))

        allowed = {method.strip() for method in answer.headers["allow"].split(",")}
        assert answer.status_code == 200
        assert set(own) - {"OPTIONS"} == allowed - {"OPTIONS"}


@in_every_family
def test_head_answers_as_get_does_without_a_body(user: Caller, family: Family) -> None:
    task = user.make_task("Mine")
    for path in (family.tasks(str(user.user_id)), family.task(str(user.user_id), task["id"])):
        got, head = user("GET", path), user("HEAD", path)

        assert head.content == b""
        for name in ("content-type", "content-length", "etag"):
            assert head.headers.get(name) == got.headers.get(name)

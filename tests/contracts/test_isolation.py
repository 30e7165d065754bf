"""No user ever reaches another user's tasks: one table of every route, method and kind of target.

The table holds the contract's status for each call. Each test compares all rows before and after its call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from api.postgres.database import Database
from tests.contracts.families import CODES, FAMILIES, OWNER_PATH, Family, in_every_family
from tests.support.callers import Caller, error_of

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

# The statuses of a user's own task or list; any other method is 405.
OWN = {
    "collection": {"GET": 200, "HEAD": 200, "POST": 201, "OPTIONS": 200},
    "task": {"GET": 200, "HEAD": 200, "PUT": 200, "PATCH": 200, "DELETE": 204, "OPTIONS": 200},
    "completion": {"PATCH": 200, "OPTIONS": 200},
}

# The statuses of other tasks, by family, if the method exists.
#                         canonical  owner path  bare
REJECTED = {
    "another's task":         (404,      404,     403),
    "unknown task":           (404,      404,     404),
    "not an integer":         (422,      422,     400),
}  # fmt: skip

# The statuses of every method except OPTIONS.
ALWAYS = {"no token": 401, "another's path": 403}


def expected(family: Family, route: str, method: str, target: str) -> int:
    """The status of one call by the table."""
    if method == "OPTIONS":
        return 200
    if target in ALWAYS:
        return ALWAYS[target]
    if method not in OWN[route]:
        return 405
    if target == "own":
        return OWN[route][method]
    return REJECTED[target][FAMILIES.index(family)]


def cases() -> list[Any]:
    """Every combination of family, route, method and target."""
    found = []
    for family in FAMILIES:
        for route in OWN:
            targets = ["own", "no token", *(REJECTED if route != "collection" else ())]
            targets += ["another's path"] if family is OWNER_PATH else []
            found += [
                pytest.param(family, route, method, each, id=f"{family.name}-{method} {route}-{each}")
                for method in METHODS
                for each in targets
            ]
    return found


def path_of(family: Family, route: str, owner: str, task_id: object) -> str:
    if route == "collection":
        return family.tasks(owner)
    return family.task(owner, task_id) if route == "task" else family.completion(owner, task_id)


def all_rows(database: Database) -> list[tuple[Any, ...]]:
    """Every column of every task, as text."""
    return database.run("SELECT user_id, tasks::text FROM tasks ORDER BY id")


@pytest.mark.parametrize(("family", "route", "method", "target"), cases())
def test_every_call_gets_the_status_in_the_table(
    *,
    user: Caller,
    anonymous: Caller,
    make_user: Callable[..., Caller],
    database: Database,
    family: Family,
    route: str,
    method: str,
    target: str,
) -> None:
    other = make_user()
    mine, theirs = user.make_task("Mine"), other.make_task("Theirs")
    task_ids = {"another's task": theirs["id"], "unknown task": theirs["id"] + 1, "not an integer": "seven"}
    owner = str((other if target == "another's path" else user).user_id)
    path = path_of(family, route, owner, task_ids.get(target, mine["id"]))
    before = all_rows(database)

    caller = anonymous if target == "no token" else user
    has_body = method in ("POST", "PUT", "PATCH") and route != "completion"
    response = caller(method, path, {"title": "Changed"} if has_body else None)

    status = expected(family, route, method, target)
    assert response.status_code == status, response.text
    after = all_rows(database)
    assert [row for row in after if row[0] == other.user_id] == [row for row in before if row[0] == other.user_id]
    assert "Theirs" not in response.text
    if status >= 400:
        assert after == before
        if method != "HEAD":
            code = {401: "UNAUTHORIZED", 405: "METHOD_NOT_ALLOWED"}.get(status) or CODES[status]
            assert error_of(response) == (status, code)


@in_every_family
@pytest.mark.parametrize(
    "task_id", ["0", "-1", "-0", "9223372036854775807", "9223372036854775808", "9" * 400, "-" + "9" * 5000]
)
def test_an_integer_id_outside_the_range_of_ids_is_not_found(user: Caller, family: Family, task_id: str) -> None:
    response = user("GET", family.task(str(user.user_id), task_id))

    assert error_of(response) == (404, "NOT_FOUND")


@in_every_family
@pytest.mark.parametrize(
    "task_id", ["1_0", "+1", "1.0", "0x1", "1e3", "%201", "1%20", "-", "--1", "%D9%A3", "null", "1%00", "%FF"]
)
def test_an_id_that_is_not_an_ascii_integer_is_invalid(user: Caller, family: Family, task_id: str) -> None:
    response = user("GET", family.task(str(user.user_id), task_id))

    assert error_of(response) == (family.invalid, "VALIDATION_ERROR")
    assert [each["field"] for each in response.json["error"]["details"]] == ["id"]


@in_every_family
def test_leading_zeros_name_the_same_task(user: Caller, family: Family) -> None:
    task = user.make_task("Mine")

    assert user("GET", family.task(str(user.user_id), f"{task['id']:030}")).json["data"] == task


@in_every_family
def test_options_needs_no_token_and_lists_the_allowed_methods(anonymous: Caller, family: Family) -> None:
    for route, own in OWN.items():
        response = anonymous("OPTIONS", path_of(family, route, "somebody", 1))

        allowed = {method.strip() for method in response.headers["allow"].split(",")}
        assert response.status_code == 200
        assert set(own) - {"OPTIONS"} == allowed - {"OPTIONS"}


@in_every_family
def test_head_gets_the_headers_of_get_without_a_body(user: Caller, family: Family) -> None:
    task = user.make_task("Mine")
    for path in (family.tasks(str(user.user_id)), family.task(str(user.user_id), task["id"])):
        got, head = user("GET", path), user("HEAD", path)

        assert head.content == b""
        for name in ("content-type", "content-length", "etag"):
            assert head.headers.get(name) == got.headers.get(name)

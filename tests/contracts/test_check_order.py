"""The order of the checks of a request: of two faults, the response reports the one that is checked first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pytest
from falcon.testing import Result, TestClient

from tests.contracts.families import FAMILIES, OWNER_PATH, Family, in_every_family
from tests.support.callers import Caller, error_of

ORDER = (
    "unknown path",
    "token",
    "another's path",
    "rate",
    "method",
    "task id",
    "media type",
    "size",
    "syntax",
    "fields",
    "whose task",
    "precondition",
)

STATUS = {
    "unknown path": 404,
    "token": 401,
    "another's path": 403,
    "rate": 429,
    "method": 405,
    "media type": 415,
    "size": 413,
    "syntax": 400,
    "precondition": 412,
}

# One request cannot have both faults: a malformed task id belongs to no user.
IMPOSSIBLE = {("task id", "whose task")}


def status_of(family: Family, fault: str) -> int:
    if fault in ("task id", "fields"):
        return family.invalid
    return family.foreign if fault == "whose task" else STATUS[fault]


@dataclass
class Scene:
    """An application with a rate limit of one call, a user with a task, and another user's task."""

    client: TestClient
    user: Caller
    other: Caller
    mine: int
    theirs: int

    def send(self, family: Family, faults: set[str]) -> Result:
        """A PATCH of the user's own task with these faults."""
        owner = self.other if "another's path" in faults else self.user
        task_id: object = self.theirs if "whose task" in faults else self.mine
        path = family.task(str(owner.user_id), "seven" if "task id" in faults else task_id)
        body = '{"title": ""}' if "fields" in faults else '{"title": "Changed"}'
        if "syntax" in faults:
            body = body[:-1]
        if "size" in faults:
            body += " " * 1024 * 1024
        headers = {"Content-Type": "text/plain" if "media type" in faults else "application/json"}
        if "precondition" in faults:
            headers["If-Match"] = '"99"'
        caller = Caller(self.client, None, None) if "token" in faults else self.user
        if "rate" in faults:
            self.user("GET", "/api/tasks")
        path += "/nowhere" if "unknown path" in faults else ""
        return caller("POST" if "method" in faults else "PATCH", path, headers=headers, body=body)


@pytest.fixture
def scene(make_client: Callable[..., TestClient], make_user: Callable[..., Caller]) -> Scene:
    user, other = make_user(), make_user()
    mine, theirs = user.make_task("Mine")["id"], other.make_task("Theirs")["id"]
    limited = make_client(RATE_LIMIT="1/year")
    return Scene(limited, make_user(user.user_id, through=limited), other, mine, theirs)


def faults_of(family: Family) -> list[str]:
    """The checks of a family: only one family has a user id in its paths."""
    return [fault for fault in ORDER if family is OWNER_PATH or fault != "another's path"]


def pairs() -> list[Any]:
    return [
        pytest.param(family, earlier, later, id=f"{family.name}-{earlier} before {later}")
        for family in FAMILIES
        for earlier, later in combinations(faults_of(family), 2)
        if (earlier, later) not in IMPOSSIBLE
    ]


@pytest.mark.parametrize(("family", "earlier", "later"), pairs())
def test_of_two_faults_the_response_reports_the_earlier(scene: Scene, family: Family, earlier: str, later: str) -> None:
    response = scene.send(family, {earlier, later})

    assert error_of(response)[0] == status_of(family, earlier), response.text


@pytest.mark.parametrize(
    ("family", "fault"),
    [pytest.param(family, fault, id=f"{family.name}-{fault}") for family in FAMILIES for fault in faults_of(family)],
)
def test_a_single_fault_gets_its_own_status(scene: Scene, family: Family, fault: str) -> None:
    response = scene.send(family, {fault})

    assert error_of(response)[0] == status_of(family, fault), response.text


@in_every_family
def test_a_request_without_fault_passes(scene: Scene, family: Family) -> None:
    assert scene.send(family, set()).status_code == 200


@in_every_family
@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"headers": {"Content-Type": "text/plain"}, "body": "{"}, 415),
        ({"headers": {"Content-Type": "application/json"}, "body": "{"}, 400),
        ({"headers": {"Content-Type": "application/json"}, "body": '{"title": ""}'}, None),
    ],
    ids=["media type", "syntax", "fields"],
)
@pytest.mark.parametrize("last", ["task limit", "idempotency key"])
def test_the_body_is_checked_before_the_task_limit_and_the_idempotency_key(
    *,
    make_client: Callable[..., TestClient],
    make_user: Callable[..., Caller],
    family: Family,
    change: dict[str, Any],
    status: int | None,
    last: str,
) -> None:
    user = make_user(through=make_client(MAX_TASKS="1"))
    user.make_task("The only one")
    headers = {**change["headers"], **({"Idempotency-Key": "not visible"} if last == "idempotency key" else {})}

    response = user("POST", family.tasks(str(user.user_id)), headers=headers, body=change["body"])

    assert error_of(response)[0] == (status or family.invalid)
    if status is None:
        assert response.json["error"]["code"] == "VALIDATION_ERROR"


def test_an_unknown_method_of_a_known_path_needs_a_token_first(anonymous: Caller, user: Caller) -> None:
    assert error_of(anonymous("PUT", "/api/tasks")) == (401, "UNAUTHORIZED")
    assert error_of(user("PUT", "/api/tasks")) == (405, "METHOD_NOT_ALLOWED")

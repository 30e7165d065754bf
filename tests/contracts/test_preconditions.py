"""ETag, If-None-Match and If-Match (RFC 9110, section 13.1)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from falcon.testing import Result

from api.postgres.database import Database
from tests.contracts.families import Family, in_every_family
from tests.support.callers import Caller, error_of

WRITES = [
    ("PUT", "", {"title": "Changed"}),
    ("PATCH", "", {"completed": True}),
    ("PATCH", "/complete", None),
    ("PATCH", "/complete", {"completed": True}),
    ("DELETE", "", None),
]
each_write = pytest.mark.parametrize(("method", "suffix", "body"), WRITES)


def write(user: Caller, path: str, tag: str, method: str = "PATCH", body: Any = None) -> Result:
    body = {"title": "Changed"} if body is None and method == "PATCH" and "complete" not in path else body
    return user(method, path, body, headers={"If-Match": tag})


@pytest.fixture
def path(user: Caller) -> str:
    """A task that is at version 2."""
    made = f"/api/tasks/{user.make_task('Buy milk')['id']}"
    user("PATCH", made, {"title": "Buy more milk"})
    return made


@in_every_family
class TestETag:
    def test_every_response_with_one_task_has_a_strong_entity_tag(self, user: Caller, family: Family) -> None:
        owner = str(user.user_id)
        made = user("POST", family.tasks(owner), {"title": "Buy milk"})
        task_id = made.json["data"]["id"]
        responses = [
            made,
            user("GET", family.task(owner, task_id)),
            user("HEAD", family.task(owner, task_id)),
            user("PUT", family.task(owner, task_id), {"title": "x"}),
            user("PATCH", family.task(owner, task_id), {"title": "y"}),
            user("PATCH", family.completion(owner, task_id)),
            user("PATCH", family.completion(owner, task_id), {"completed": False}),
        ]

        tags = [response.headers["etag"] for response in responses]
        assert all(tag.startswith('"') and tag.endswith('"') for tag in tags)
        assert len(set(tags)) == 5, "a read keeps the tag, every write changes it"
        assert tags[0] == tags[1] == tags[2]

    def test_an_unchanged_task_is_304(self, user: Caller, family: Family) -> None:
        path = family.task(str(user.user_id), user.make_task()["id"])
        tag = user("GET", path).headers["etag"]

        for method in ("GET", "HEAD"):
            response = user(method, path, headers={"If-None-Match": tag})
            assert (response.status_code, response.content) == (304, b"")
            assert response.headers["etag"] == tag
        user("PATCH", path, {"title": "Changed"})
        assert user("GET", path, headers={"If-None-Match": tag}).status_code == 200


class TestIfNoneMatch:
    @pytest.mark.parametrize("tags", ['"2"', 'W/"2"', '"1", "2"', 'W/"9","2"', "*", '"x" , W/"2"'])
    def test_a_matching_entity_tag_is_304(self, user: Caller, path: str, tags: str) -> None:
        assert user("GET", path, headers={"If-None-Match": tags}).status_code == 304

    @pytest.mark.parametrize("tags", ['"1"', '"22"', 'W/"1"', '"1", "3"', '"*"', '""', '"2 "'])
    def test_what_does_not_is_200(self, user: Caller, path: str, tags: str) -> None:
        assert user("GET", path, headers={"If-None-Match": tags}).status_code == 200

    def test_an_unknown_task_is_404(self, user: Caller) -> None:
        assert error_of(user("GET", "/api/tasks/1", headers={"If-None-Match": "*"})) == (404, "NOT_FOUND")


class TestIfMatch:
    @each_write
    def test_a_write_with_the_current_entity_tag_succeeds(
        self, user: Caller, path: str, method: str, suffix: str, body: Any
    ) -> None:
        assert write(user, path + suffix, '"2"', method, body).status_code in (200, 204)

    @each_write
    def test_a_write_with_an_old_entity_tag_is_412_and_changes_nothing(
        self, user: Caller, path: str, method: str, suffix: str, body: Any
    ) -> None:
        before = user("GET", path)

        assert error_of(write(user, path + suffix, '"1"', method, body)) == (412, "PRECONDITION_FAILED")
        after = user("GET", path)
        assert (after.json, after.headers["etag"]) == (before.json, before.headers["etag"])

    @pytest.mark.parametrize("tags", ['"2"', "*", '"1", "2"', '"x","2"', 'W/"2", "2"', ' "2" '])
    def test_a_strongly_matching_entity_tag_succeeds(self, user: Caller, path: str, tags: str) -> None:
        assert write(user, path, tags).status_code == 200

    @pytest.mark.parametrize(
        "tags",
        ['W/"2"', 'w/"2"', 'W/"1", W/"2"', '"1"', '"3"', '"02"', '"2 "', '"abc"', '""', '"*"', "a, b", "W/",
         '"2147483648"', '"4294967298"', '"99999999999999999999999"', '"-2"', '"²"'],
    )  # fmt: skip
    def test_what_does_not_is_412(self, user: Caller, path: str, tags: str) -> None:
        before = user("GET", path).json

        assert error_of(write(user, path, tags)) == (412, "PRECONDITION_FAILED")
        assert user("GET", path).json == before

    @pytest.mark.parametrize(
        ("tags", "message"),
        [
            ('"1"', "The task has changed since"),
            ('W/"2"', "a proxy weakens the service's tags"),
            ('"1", W/"2"', "a proxy weakens the service's tags"),
        ],
    )
    def test_the_message_says_whether_the_task_has_changed_or_a_proxy_has_weakened_the_tag(
        self, user: Caller, path: str, tags: str, message: str
    ) -> None:
        assert message in write(user, path, tags).json["error"]["message"]

    @pytest.mark.parametrize("tags", ['"1"', "*", 'W/"1"'])
    @each_write
    def test_an_unknown_task_is_404_despite_if_match(
        self, user: Caller, method: str, suffix: str, body: Any, tags: str
    ) -> None:
        assert error_of(write(user, f"/api/tasks/1{suffix}", tags, method, body)) == (404, "NOT_FOUND")

    @in_every_family
    def test_another_users_task_gets_its_own_error_despite_if_match(
        self, user: Caller, make_user: Callable[..., Caller], family: Family
    ) -> None:
        theirs = make_user().make_task("Theirs")

        response = write(user, family.task(str(user.user_id), theirs["id"]), '"1"')

        assert response.status_code == family.foreign

    def test_the_last_version_that_the_column_holds_is_a_version(
        self, user: Caller, path: str, database: Database
    ) -> None:
        database.run("UPDATE tasks SET version = 2147483647")

        assert write(user, path, '"2147483647"', "DELETE").status_code == 204

    def test_without_it_the_last_write_wins(self, user: Caller, path: str) -> None:
        assert user("PATCH", path, {"title": "Mine"}).status_code == 200

    def test_of_eight_concurrent_writes_with_one_entity_tag_one_succeeds(self, user: Caller, path: str) -> None:
        def attempt(number: int) -> Result:
            return user("PATCH", path, {"title": f"Writer {number}"}, headers={"If-Match": '"2"'})

        with ThreadPoolExecutor(8) as pool:
            responses = list(pool.map(attempt, range(8)))

        assert sorted(response.status_code for response in responses) == [200] + [412] * 7
        winner = next(response for response in responses if response.status_code == 200)
        assert user("GET", path).json == winner.json

    def test_the_update_statement_itself_compares_the_version(
        self, user: Caller, path: str, statements: list[str]
    ) -> None:
        statements.clear()

        write(user, path, '"2"')

        assert [statement.split()[0] for statement in statements] == ["UPDATE"]

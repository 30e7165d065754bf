"""`Idempotency-Key`: the same key of the same user creates once; and the limit of tasks a user may hold."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from falcon.testing import Result, TestClient

from api.postgres.database import Database
from tests.contracts.families import CANONICAL, FAMILIES, Family, in_every_family
from tests.support.callers import Caller, error_of


def create(user: Caller, key: str, family: Family = CANONICAL, **fields: object) -> Result:
    body = {"title": "Buy milk", **fields}
    return user("POST", family.tasks(str(user.user_id)), body, headers={"Idempotency-Key": key})


class TestIdempotentCreate:
    def test_a_repeat_gets_the_first_answer_again(self, user: Caller) -> None:
        first = create(user, "k", due_date="2026-03-01", description="2 l")
        repeat = create(user, "k", due_date="2026-03-01", description="2 l")

        assert (first.status_code, repeat.status_code) == (201, 201)
        assert repeat.content == first.content
        assert "idempotent-replayed" not in first.headers
        assert repeat.headers["idempotent-replayed"] == "true"
        assert repeat.headers["location"] == first.headers["location"]
        assert repeat.headers["etag"] == first.headers["etag"]
        assert user.titles() == ["Buy milk"]

    def test_in_whichever_family(self, user: Caller) -> None:
        answers = [create(user, "k", family) for family in FAMILIES * 2]

        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json["data"]["id"] for answer in answers}) == 1
        assert user.titles() == ["Buy milk"]

    def test_even_if_the_task_has_changed_or_gone_since(self, user: Caller) -> None:
        first = create(user, "k")
        path = first.headers["location"]

        user("PATCH", path, {"title": "Changed", "completed": True})
        assert create(user, "k").json == first.json
        user("DELETE", path)
        assert create(user, "k").json == first.json
        assert user.titles() == []

    @pytest.mark.parametrize(
        "other", [{"title": "Buy bread"}, {"description": "x"}, {"completed": True}, {"due_date": "2026-03-01"}]
    )
    @in_every_family
    def test_another_body_is_422(self, user: Caller, family: Family, other: dict[str, object]) -> None:
        create(user, "k", family)

        assert error_of(create(user, "k", family, **other)) == (422, "IDEMPOTENCY_KEY_REUSED")
        assert user.titles() == ["Buy milk"]

    def test_bodies_are_compared_as_validated_fields(self, user: Caller) -> None:
        headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
        bodies = ['{"title":"Zo\\u00eb","completed":true}', '{ "user_id": 7, "completed" :true, "title": "Zoë" }']

        answers = [user("POST", "/api/tasks", headers=headers, body=body.encode()) for body in bodies]

        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].content == answers[1].content

    def test_keys_are_each_users_own(self, make_user: Callable[..., Caller]) -> None:
        ada, ben = make_user(), make_user()

        assert create(ada, "k").json["data"]["id"] != create(ben, "k", title="Other").json["data"]["id"]

    def test_keys_are_told_apart_exactly(self, user: Caller) -> None:
        keys = ["k", "K", "k'", 'k"', "k\\", "%s", "~!@#$%^&*()", "x" * 255]

        ids = {create(user, key).json["data"]["id"] for key in keys}

        assert len(ids) == len(keys)
        assert {create(user, key).json["data"]["id"] for key in keys} == ids

    @pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "a\tb", "\x7f", "é"])
    @in_every_family
    def test_a_key_is_1_to_255_visible_ascii_characters(self, user: Caller, family: Family, key: str) -> None:
        answer = create(user, key, family)

        assert error_of(answer) == (family.invalid, "VALIDATION_ERROR")
        assert [each["field"] for each in answer.json["error"]["details"]] == ["Idempotency-Key"]
        assert user.titles() == []

    def test_a_create_that_was_refused_leaves_the_key_free(self, user: Caller) -> None:
        assert create(user, "k", title="").status_code == 422

        assert create(user, "k").status_code == 201

    def test_eight_at_once_make_one_task(self, user: Caller) -> None:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: create(user, "k"), range(8)))

        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
        assert user.titles() == ["Buy milk"]

    def test_only_creating_heeds_the_key(self, user: Caller) -> None:
        path = create(user, "k").headers["location"]
        headers = {"Idempotency-Key": "k"}

        changed = user("PATCH", path, {"title": "Changed"}, headers=headers)
        assert changed.json["data"]["title"] == "Changed"
        assert [user("PATCH", f"{path}/complete", headers=headers).json["data"]["completed"] for _ in "12"] == [
            True,
            False,
        ]

    def test_a_key_is_kept_for_24_hours_at_least(self, user: Caller, database: Database) -> None:
        first = create(user, "k")
        database.run("UPDATE idempotency_keys SET created_at = created_at - interval '24 hours'")

        create(user, "another")

        assert create(user, "k").json == first.json


class TestTaskLimit:
    @pytest.fixture
    def limited(self, make_client: Callable[..., TestClient], make_user: Callable[..., Caller]) -> Caller:
        """A user who may hold three tasks."""
        return make_user(through=make_client(MAX_TASKS="3"))

    @in_every_family
    def test_one_more_is_409_and_not_stored(self, limited: Caller, family: Family) -> None:
        for _ in range(3):
            assert limited("POST", family.tasks(str(limited.user_id)), {"title": "x"}).status_code == 201

        answer = limited("POST", family.tasks(str(limited.user_id)), {"title": "x"})

        assert error_of(answer) == (409, "TASK_LIMIT_REACHED")
        assert len(limited.titles()) == 3

    def test_a_deleted_task_makes_room(self, limited: Caller) -> None:
        tasks = [limited.make_task() for _ in range(3)]

        limited("DELETE", f"/api/tasks/{tasks[0]['id']}")

        limited.make_task("Again")
        assert limited("POST", "/api/tasks", {"title": "x"}).status_code == 409

    def test_it_is_each_users_own(self, limited: Caller, make_user: Callable[..., Caller]) -> None:
        for _ in range(3):
            limited.make_task()

        make_user().make_task()

    def test_a_repeat_of_the_last_create_is_answered_all_the_same(self, limited: Caller) -> None:
        limited.make_task()
        limited.make_task()
        first = create(limited, "k")

        assert create(limited, "k").content == first.content
        assert error_of(create(limited, "k", title="Other")) == (422, "IDEMPOTENCY_KEY_REUSED")
        assert error_of(create(limited, "new")) == (409, "TASK_LIMIT_REACHED")
        limited("DELETE", first.headers["location"])
        assert create(limited, "new").status_code == 201

    def test_changing_tasks_goes_on_at_the_limit(self, limited: Caller) -> None:
        tasks = [limited.make_task() for _ in range(3)]

        assert limited("PATCH", f"/api/tasks/{tasks[0]['id']}", {"title": "y"}).status_code == 200

    def test_a_create_within_the_limit_is_one_statement(self, limited: Caller, statements: list[str]) -> None:
        limited.make_task()
        statements.clear()

        limited.make_task()

        assert len(statements) == 1

    @pytest.mark.parametrize(("setting", "held"), [("0", 10_050), ("", 9_999)])
    def test_10_000_by_default_and_0_is_no_limit(
        self,
        make_client: Callable[..., TestClient],
        make_user: Callable[..., Caller],
        database: Database,
        setting: str,
        held: int,
    ) -> None:
        user = make_user(through=make_client(MAX_TASKS=setting))
        user.make_task()
        database.run(
            "INSERT INTO tasks (user_id, title) SELECT %s, 'x' FROM generate_series(2, %s)",
            (user.user_id, held),
        )

        user.make_task("One more")
        assert (user("POST", "/api/tasks", {"title": "x"}).status_code == 409) == (setting == "")

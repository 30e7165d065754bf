"""The tokens of a local account that is gone or disabled, and of users whom an auth server with our secret names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg2
import pytest
from falcon.testing import Result, TestClient

from api.postgres.database import Database
from tests.contracts.families import Family, in_every_family
from tests.support.callers import Caller, error_of

ADA = {"email": "ada@example.com", "password": "correct horse"}
NO_TASK = 2**40

EMPTY: dict[str, tuple[str, str, Any]] = {
    "a list": ("GET", "", None),
    "a search": ("GET", "?search=nothing", None),
    "a page": ("GET", "?limit=5&page=9", None),
    "one task": ("GET", f"/{NO_TASK}", None),
    "a change": ("PUT", f"/{NO_TASK}", {"title": "x"}),
    "a toggle": ("PATCH", f"/{NO_TASK}/complete", None),
    "a set state": ("PATCH", f"/{NO_TASK}/complete", {"completed": True}),
    "a delete": ("DELETE", f"/{NO_TASK}", None),
}
"""Calls that find nothing."""


def log_in(client: TestClient) -> Result:
    result: Result = client.simulate_post("/auth/login", json=ADA)
    return result


@pytest.fixture
def ada(client: TestClient) -> Caller:
    """A local account with a token that this service issued."""
    data = client.simulate_post("/auth/register", json=ADA).json["data"]
    return Caller(client, data["user"]["id"], data["token"])


@pytest.fixture
def errors(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[psycopg2.Error]:
    """The errors of statements, each of which PostgreSQL logs with its values."""
    raised: list[psycopg2.Error] = []
    run = database.run

    def record(*arguments: Any, **options: Any) -> list[tuple[Any, ...]]:
        try:
            return run(*arguments, **options)
        except psycopg2.Error as ex:
            raised.append(ex)
            raise

    monkeypatch.setattr(database, "run", record)
    return raised


@pytest.mark.parametrize("call", EMPTY.values(), ids=EMPTY.keys())
@in_every_family
class TestCallsThatFindNothing:
    def test_are_as_ever_while_the_account_is_there(
        self, ada: Caller, family: Family, call: tuple[str, str, Any]
    ) -> None:
        method, path, body = call

        assert ada(method, f"{family.tasks(str(ada.user_id))}{path}", body).status_code in (200, 404)

    @pytest.mark.parametrize("how", ["DELETE FROM users", "UPDATE users SET disabled_at = now()"])
    def test_are_401_once_it_is_gone_or_disabled(
        self, ada: Caller, database: Database, family: Family, call: tuple[str, str, Any], how: str
    ) -> None:
        ada.make_task("Mine")
        if how.startswith("UPDATE"):
            database.run("DELETE FROM tasks")
        database.run(how)
        method, path, body = call

        response = ada(method, f"{family.tasks(str(ada.user_id))}{path}", body)

        assert error_of(response) == (401, "TOKEN_INVALID")
        assert response.headers["www-authenticate"] == "Bearer"

    def test_of_an_auth_servers_users_are_as_ever(
        self, user: Caller, database: Database, family: Family, call: tuple[str, str, Any]
    ) -> None:
        user.make_task("Mine")
        database.run("DELETE FROM users")
        method, path, body = call

        assert user(method, f"{family.tasks(str(user.user_id))}{path}", body).status_code in (200, 404)


class TestCreate:
    @pytest.mark.parametrize("before", [0, 1])
    @pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}])
    def test_no_token_issued_here_makes_a_row(
        self, ada: Caller, database: Database, before: int, headers: dict[str, str]
    ) -> None:
        for _ in range(before):
            ada.make_task("Mine")
        database.run("DELETE FROM users")

        response = ada("POST", "/api/tasks", {"title": "Another"}, headers=headers)

        assert error_of(response) == (401, "TOKEN_INVALID")
        assert database.run("SELECT count(*) FROM users") == [(0,)]

    def test_of_an_auth_servers_user_makes_a_row_again(self, user: Caller, database: Database) -> None:
        user.make_task("Mine")
        database.run("DELETE FROM users")

        user.make_task("Another")

        assert database.run("SELECT id FROM users") == [(user.user_id,)]

    def test_by_a_disabled_account_is_401_in_a_process_that_has_not_seen_it(
        self, ada: Caller, database: Database
    ) -> None:
        database.run("UPDATE users SET disabled_at = now()")

        assert error_of(ada("POST", "/api/tasks", {"title": "Mine"})) == (401, "TOKEN_INVALID")


class TestNothingIsLoggedByPostgresql:
    """An error of a statement is logged with its values: what is expected must not be one."""

    @pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}])
    def test_of_a_first_create(self, user: Caller, errors: list[Exception], headers: dict[str, str]) -> None:
        assert user("POST", "/api/tasks", {"title": "Mine"}, headers=headers).status_code == 201

        assert errors == []

    def test_of_a_create_by_an_unknown_user(
        self, make_client: Callable[..., TestClient], make_user: Callable[..., Caller], errors: list[Exception]
    ) -> None:
        user = make_user(through=make_client(PROVISION_USERS="off"))

        assert user("POST", "/api/tasks", {"title": "Mine"}).status_code == 401
        assert errors == []

    def test_of_a_repeated_registration(self, client: TestClient, ada: Caller, errors: list[Exception]) -> None:
        assert error_of(client.simulate_post("/auth/register", json=ADA)) == (400, "EMAIL_TAKEN")

        assert errors == []


class TestCost:
    def test_a_call_that_finds_something_takes_one_statement(self, ada: Caller, statements: list[str]) -> None:
        task = ada.make_task("Mine")
        for call in (("GET", ""), ("GET", f"/{task['id']}"), ("PATCH", f"/{task['id']}/complete")):
            statements.clear()
            assert ada(call[0], f"/api/tasks{call[1]}").status_code == 200
            assert len(statements) == 1
        statements.clear()
        ada.make_task("Another")
        assert len(statements) == 1

    def test_an_auth_servers_user_takes_none_for_nothing_either(self, user: Caller, statements: list[str]) -> None:
        """The list is read twice, because a rewrite of the table may have hidden its rows from the first statement."""
        assert user.titles() == []
        assert len(statements) == 2
        assert all("tasks" in statement for statement in statements)


class TestDisabled:
    def test_nobody_logs_in(self, client: TestClient, ada: Caller, database: Database) -> None:
        database.run("UPDATE users SET disabled_at = now()")
        wrong = client.simulate_post("/auth/login", json={**ADA, "password": "wrong horse"})

        assert error_of(log_in(client)) == (401, "INVALID_CREDENTIALS")
        assert log_in(client).content == wrong.content

        database.run("UPDATE users SET disabled_at = NULL")
        assert log_in(client).status_code == 200

    def test_its_tokens_find_what_there_is_until_they_expire(self, ada: Caller, database: Database) -> None:
        ada.make_task("Mine")
        database.run("UPDATE users SET disabled_at = now()")

        assert ada.titles() == ["Mine"]

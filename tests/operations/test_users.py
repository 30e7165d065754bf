"""`python serve.py users …`: what each command does and prints, and when tokens that are out end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from falcon.testing import Result, TestClient

from api.postgres.database import Database
from tests.operations.conftest import EMAIL, PASSWORD, Run
from tests.support.callers import Caller, error_of


def log_in(client: TestClient, password: str = PASSWORD) -> Result:
    result: Result = client.simulate_post("/auth/login", json={"email": EMAIL, "password": password})
    return result


def renew(client: TestClient, user: Caller) -> Result:
    headers = {"Authorization": f"Bearer {user.token}"}
    result: Result = client.simulate_post("/auth/renew", headers=headers)
    return result


class TestList:
    def test_shows_every_user_in_a_line(self, run: Run, ada: Caller, provisioned: Caller, database: Database) -> None:
        database.run("UPDATE users SET created_at = '2026-02-06T10:15:30Z'")

        status, out, err = run("list")

        assert (status, err) == (0, "")
        assert sorted(out.splitlines()) == sorted(
            [
                f"{ada.user_id}\tlocal\t2026-02-06T10:15:30Z\t{EMAIL}\tAda",
                "bob\tprovisioned\t2026-02-06T10:15:30Z\tbob@example.com\t",
            ]
        )

    @pytest.mark.usefixtures("small_batches")
    def test_shows_more_users_than_one_statement_reads(self, run: Run, database: Database) -> None:
        database.run("INSERT INTO users (id) SELECT n FROM generate_series(1, 5) n")

        _, out, _ = run("list")

        assert [line.split("\t")[0] for line in out.splitlines()] == ["1", "2", "3", "4", "5"]

    def test_prints_no_control_characters(self, run: Run, database: Database) -> None:
        database.run(
            "INSERT INTO users (id, email, name) VALUES (%s, %s, %s)", ("a\x1b[31m", "x\u202e@y", "Zo\u00eb\n")
        )

        _, out, _ = run("list")

        assert "a\\u001b[31m" in out
        assert "x\\u202e@y" in out
        assert "Zo\u00eb\\u000a" in out


class TestDisable:
    def test_ends_log_ins_and_renewals_at_once_and_tokens_when_they_expire(
        self, run: Run, client: TestClient, ada: Caller
    ) -> None:
        ada.make_task("Mine")

        status, out, err = run("disable", "ADA@example.com", TOKEN_TTL="90")

        assert (status, out) == (0, "")
        assert "at most 90 s from now" in err
        assert error_of(log_in(client)) == (401, "INVALID_CREDENTIALS")
        assert error_of(renew(client, ada)) == (401, "TOKEN_INVALID")
        assert ada.titles() == ["Mine"]
        assert error_of(ada("GET", "/api/tasks/1099511627776")) == (401, "TOKEN_INVALID")
        assert "\tdisabled\t" in run("list")[1]

    def test_is_undone_by_enable_but_for_tokens_from_before(
        self, run: Run, client: TestClient, ada: Caller, database: Database
    ) -> None:
        run("disable", EMAIL)
        database.run("UPDATE users SET signed_out_at = signed_out_at + interval '2 s'")

        status, _, err = run("enable", EMAIL)

        assert status == 0
        assert "has to log in" in err
        assert log_in(client).status_code == 200
        assert error_of(renew(client, ada)) == (401, "TOKEN_EXPIRED")
        assert "\tlocal\t" in run("list")[1]

    def test_again_changes_nothing(self, run: Run, ada: Caller, database: Database) -> None:
        run("disable", EMAIL)
        before = database.run("SELECT disabled_at FROM users")

        assert run("disable", EMAIL)[0] == 0
        assert database.run("SELECT disabled_at FROM users") == before


class TestResetPassword:
    def test_prints_a_new_password_and_voids_the_old_one(self, run: Run, client: TestClient, ada: Caller) -> None:
        status, out, err = run("reset-password", str(ada.user_id))

        assert status == 0
        assert "at most 3600 s from now" in err
        assert out.strip() not in err
        assert log_in(client).status_code == 401
        assert log_in(client, out.strip()).status_code == 200

    def test_ends_renewals_of_tokens_from_before(
        self, run: Run, client: TestClient, ada: Caller, database: Database
    ) -> None:
        run("reset-password", EMAIL)
        database.run("UPDATE users SET signed_out_at = signed_out_at + interval '2 s'")

        assert error_of(renew(client, ada)) == (401, "TOKEN_EXPIRED")

    def test_gives_another_password_each_time(self, run: Run, ada: Caller) -> None:
        passwords = {run("reset-password", EMAIL)[1].strip() for _ in range(3)}

        assert len(passwords) == 3
        assert {len(password) for password in passwords} == {20}


class TestExport:
    def test_is_everything_but_the_password(
        self, run: Run, ada: Caller, make_client: Callable[..., TestClient], database: Database
    ) -> None:
        tasks = [ada.make_task(title, due_date="2026-03-01") for title in ("First", "Zweite, größer")]
        created = ada("POST", "/api/tasks", {"title": "Once"}, headers={"Idempotency-Key": "k"}).json["data"]
        fields = {"email": EMAIL, "password": PASSWORD}
        make_client(AUTH_RATE_LIMIT="9/hour").simulate_post("/auth/login", json=fields, remote_addr="192.0.2.1")

        status, out, err = run("export", EMAIL)

        assert (status, err) == (0, "")
        exported: dict[str, Any] = json.loads(out)
        assert set(exported) == {"user", "tasks", "idempotency_keys", "addresses"}
        assert exported["tasks"] == [*tasks, created]
        assert {**exported["user"], "created_at": ""} == {
            "id": ada.user_id,
            "email": EMAIL,
            "name": "Ada",
            "local_account": True,
            "created_at": "",
            "disabled_at": None,
        }
        [(key, task_id)] = [(each["key"], each["task_id"]) for each in exported["idempotency_keys"]]
        assert (key, task_id) == ("k", created["id"])
        assert len(exported["addresses"]) == 1
        [(password_hash,)] = database.run("SELECT password_hash FROM users")
        assert password_hash not in out

    @pytest.mark.usefixtures("small_batches")
    @pytest.mark.parametrize("number", [0, 1, 2, 5])
    def test_has_every_task_once_however_many(self, run: Run, ada: Caller, database: Database, number: int) -> None:
        for each in range(number):
            database.run("INSERT INTO tasks (user_id, title) VALUES (%s, %s)", (ada.user_id, f"Task {each}"))

        exported = json.loads(run("export", EMAIL)[1])

        assert [task["title"] for task in exported["tasks"]] == [f"Task {each}" for each in range(number)]

    def test_is_of_one_user(self, run: Run, ada: Caller, provisioned: Caller) -> None:
        ada.make_task("Ada's")

        exported = json.loads(run("export", "bob")[1])

        assert [task["title"] for task in exported["tasks"]] == ["Bob's"]
        assert exported["user"]["local_account"] is False


class TestDelete:
    @pytest.mark.usefixtures("provisioned", "small_batches")
    @pytest.mark.parametrize(("stdin", "arguments"), [("y\n", ()), ("YES\n", ()), ("", ("--yes",))])
    def test_deletes_the_user_with_all_data_and_voids_tokens(
        self, run: Run, ada: Caller, database: Database, stdin: str, arguments: tuple[str, ...]
    ) -> None:
        for number in range(5):
            key = {"Idempotency-Key": str(number)}
            assert ada("POST", "/api/tasks", {"title": "x"}, headers=key).status_code == 201

        status, out, err = run("delete", EMAIL, *arguments, stdin=stdin)

        assert (status, out) == (0, "")
        assert f"deleted {EMAIL} (id {ada.user_id}) with 5 tasks" in err
        assert "void" in err
        assert database.run("SELECT id FROM users") == [("bob",)]
        assert database.run("SELECT user_id FROM tasks") == [("bob",)]
        assert database.run("SELECT count(*) FROM idempotency_keys") == [(0,)]
        assert error_of(ada("GET", "/api/tasks")) == (401, "TOKEN_INVALID")
        assert error_of(ada("POST", "/api/tasks", {"title": "x"})) == (401, "TOKEN_INVALID")

    @pytest.mark.parametrize("stdin", ["", "\n", "n\n", "yess\n"])
    def test_asks_first(self, run: Run, ada: Caller, stdin: str) -> None:
        ada.make_task("Mine")

        status, out, err = run("delete", EMAIL, stdin=stdin)

        assert (status, out) == (1, "")
        assert err.startswith(f"Delete {EMAIL} (id {ada.user_id}) with 1 tasks, for good? [y/N] ")
        assert "nothing was deleted" in err
        assert ada.titles() == ["Mine"]

    def test_says_that_an_auth_servers_token_makes_the_user_anew(self, run: Run, provisioned: Caller) -> None:
        _, _, err = run("delete", "bob", "--yes")

        assert "delete the user there too" in err
        provisioned.make_task("Back again")

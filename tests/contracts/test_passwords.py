"""Passwords of local accounts: which are allowed, how they are hashed, and what a change of BCRYPT_COST does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bcrypt
import pytest
from falcon.testing import Result, TestClient

from api import accounts, passwords
from api.postgres.database import Database
from tests.support.callers import error_of

ADA = {"email": "ada@example.com", "password": "correct horse", "name": "Ada"}


def register(client: TestClient, **fields: object) -> Result:
    result: Result = client.simulate_post("/auth/register", json={**ADA, **fields})
    return result


def log_in(client: TestClient, **fields: object) -> Result:
    body = {"email": ADA["email"], "password": ADA["password"], **fields}
    result: Result = client.simulate_post("/auth/login", json=body)
    return result


class TestRules:
    @pytest.mark.parametrize(
        "password", ["abcabcxy", "xyz" * 24, "éèêëéèêë", "éèê" * 12, "🦄🐴🐎" * 6, "    a b c  ", "correct horse"]
    )
    def test_passwords_of_8_characters_to_72_bytes_are_taken_whole(self, client: TestClient, password: str) -> None:
        assert register(client, password=password).status_code == 201
        assert log_in(client, password=password).status_code == 200
        assert error_of(log_in(client, password=password[:-1])) == (401, "INVALID_CREDENTIALS")

    @pytest.mark.parametrize(
        ("password", "words"),
        [
            ("", "at least 8 characters"),
            ("abcdefg", "at least 8 characters"),
            ("🦄🐴", "at least 8 characters"),
            ("éèêë", "at least 8 characters"),
            ("xyz" * 24 + "x", "at most 72 bytes"),
            ("éèê" * 12 + "x", "at most 72 bytes"),
            (" " * 8, "3 different characters"),
            ("\u3000" * 8, "3 different characters"),
            ("aaaaaaaa", "3 different characters"),
            ("aaaa aaa", "3 different characters"),
            ("aAaAaAaA", "3 different characters"),
            ("abababab", "3 different characters"),
            ("password", "commonest"),
            ("PassWord1", "commonest"),
            (" password1 ", "commonest"),
            ("12345678", "commonest"),
            ("\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18", "commonest"),
            ("iloveyou", "commonest"),
            ("qwertyuiop", "commonest"),
            ("trustno1", "commonest"),
        ],
    )
    def test_a_password_that_is_easily_guessed_is_refused_with_what_to_do(
        self, client: TestClient, database: Database, password: str, words: str
    ) -> None:
        answer = register(client, password=password)

        assert error_of(answer) == (400, "VALIDATION_ERROR")
        [detail] = answer.json["error"]["details"]
        assert detail["field"] == "password"
        assert words in detail["message"]
        assert detail["message"].startswith("Password ")
        assert database.run("SELECT count(*) FROM users") == [(0,)]

    @pytest.mark.parametrize(
        ("email", "password"),
        [
            ("ada.lovelace@example.com", "ada.lovelace@example.com"),
            ("ada.lovelace@example.com", "Ada.Lovelace"),
            ("ada@example.com", "countess ADA "),
            ("straße-9@example.com", "STRASSE-9"),
        ],
    )
    def test_a_password_that_repeats_the_e_mail_or_the_name_is_refused(
        self, client: TestClient, email: str, password: str
    ) -> None:
        answer = register(client, email=email, password=password, name="Countess Ada")

        assert error_of(answer) == (400, "VALIDATION_ERROR")
        assert [each["field"] for each in answer.json["error"]["details"]] == ["password"]
        assert "e-mail or name" in answer.json["error"]["message"]

    def test_three_thousand_of_the_commonest_passwords_are_known(self) -> None:
        assert len([each for each in passwords.common_passwords() if len(each) >= 8]) >= 3000

    def test_the_first_72_bytes_of_a_longer_password_do_not_log_in(self, client: TestClient) -> None:
        register(client, password="xyz" * 24)

        assert error_of(log_in(client, password="xyz" * 24 + "x")) == (401, "INVALID_CREDENTIALS")


def trace_work(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rounds of each bcrypt from now on: two to the power of its cost."""
    rounds: list[int] = []
    check = bcrypt.checkpw

    def checkpw(secret: bytes, kept: bytes) -> bool:
        rounds.append(2 ** int(kept[4:6]))
        return check(secret, kept)

    monkeypatch.setattr(bcrypt, "checkpw", checkpw)
    return rounds


def stored_cost(database: Database) -> str:
    [(kept,)] = database.run("SELECT password_hash FROM users")
    return str(kept[:7])


class TestHashes:
    def test_the_password_is_kept_as_bcrypt_of_the_set_cost(self, client: TestClient, database: Database) -> None:
        register(client)

        [(kept,)] = database.run("SELECT password_hash FROM users")
        assert kept.startswith("$2b$04$")
        assert bcrypt.checkpw(ADA["password"].encode(), kept.encode())

    def test_the_cost_is_12_where_it_is_not_set(self, make_settings: Callable[..., Any]) -> None:
        assert make_settings(BCRYPT_COST="").bcrypt_cost == 12

    @pytest.mark.parametrize("password", ["wrong horse", "x" * 100])
    def test_a_wrong_password_and_an_unknown_email_cost_the_same_work(
        self, client: TestClient, monkeypatch: pytest.MonkeyPatch, password: str
    ) -> None:
        register(client)
        costs: list[bytes] = []
        check = bcrypt.checkpw

        def checkpw(secret: bytes, kept: bytes) -> bool:
            costs.append(kept[:7])
            return check(secret, kept)

        monkeypatch.setattr(bcrypt, "checkpw", checkpw)

        log_in(client, password=password)
        log_in(client, password=password, email="nobody@example.com")

        assert costs == [b"$2b$04$"] * 2


class TestChangeOfCost:
    @pytest.mark.parametrize("cost", [5, 7])
    def test_a_log_in_renews_the_hash(
        self, make_client: Callable[..., TestClient], database: Database, cost: int
    ) -> None:
        register(make_client(BCRYPT_COST="6"))
        client = make_client(BCRYPT_COST=str(cost))

        assert log_in(client, password="wrong horse").status_code == 401
        assert stored_cost(database) == "$2b$06$"
        assert log_in(client).status_code == 200
        assert stored_cost(database) == f"$2b$0{cost}$"
        assert log_in(client).status_code == 200

    @pytest.mark.parametrize("before", [4, 5, 6, 7, 8])
    @pytest.mark.parametrize("cost", [4, 6, 8])
    @pytest.mark.parametrize("password", ["wrong horse", "x" * 100])
    def test_a_wrong_password_and_an_unknown_email_cost_the_same_work(
        self,
        make_client: Callable[..., TestClient],
        monkeypatch: pytest.MonkeyPatch,
        before: int,
        cost: int,
        password: str,
    ) -> None:
        register(make_client(BCRYPT_COST=str(before)))
        client = make_client(BCRYPT_COST=str(cost))
        rounds = trace_work(monkeypatch)
        work = []
        for email in (ADA["email"], "nobody@example.com"):
            rounds.clear()
            assert error_of(log_in(client, email=email, password=password)) == (401, "INVALID_CREDENTIALS")
            work.append(sum(rounds))

        assert work == [2 ** max(before, cost)] * 2

    def test_a_hash_that_cannot_be_stored_keeps_nobody_out(
        self, make_client: Callable[..., TestClient], database: Database
    ) -> None:
        register(make_client(BCRYPT_COST="6"))
        database.run("ALTER TABLE users ADD CONSTRAINT frozen CHECK (password_hash LIKE '$2b$06$%%')")
        try:
            assert log_in(make_client(BCRYPT_COST="5")).status_code == 200
        finally:
            database.run("ALTER TABLE users DROP CONSTRAINT frozen")

    def test_the_highest_cost_is_found_by_an_index(self, client: TestClient, database: Database) -> None:
        database.run(
            "INSERT INTO users (id, email, password_hash)"
            " SELECT n, n || '@example.com', '$2b$04$' || repeat('x', 53) FROM generate_series(1, 5000) n"
        )
        database.run("ANALYZE users")

        plan = "\n".join(line for (line,) in database.run(f"EXPLAIN {accounts._HIGHEST_COST}"))
        assert "users_by_password_cost" in plan
        assert "Seq Scan" not in plan

"""Accounts of the version before whose e-mails fold alike now: both stay, and the operator is told once."""

from __future__ import annotations

import logging
from collections.abc import Callable

import bcrypt
import pytest
from falcon.testing import Result, TestClient

from api.migrate import migrate
from api.postgres.database import Database
from api.upgrade import Upgrade
from tests.support.callers import error_of

INSERT = "INSERT INTO users (id, email, password_hash) VALUES (%s, %s, %s)"
ACCOUNTS = {"first": "straße@example.com", "second": "STRASSE@example.com", "third": "ada@example.com"}


def password_of(user_id: str) -> str:
    return f"password of {user_id}"


def log_in(client: TestClient, email: str, user_id: str) -> Result:
    result: Result = client.simulate_post("/auth/login", json={"email": email, "password": password_of(user_id)})
    return result


@pytest.fixture
def upgraded(database_before: Database) -> Database:
    for user_id, email in ACCOUNTS.items():
        hashed = bcrypt.hashpw(password_of(user_id).encode(), bcrypt.gensalt(4)).decode()
        database_before.run(INSERT, (user_id, email, hashed))
    migrate(database_before, "users")
    return database_before


@pytest.fixture
def client(upgraded: Database, client_over: Callable[..., TestClient]) -> TestClient:
    return client_over(upgraded)


def assert_each_logs_in_by_its_own_spelling(client: TestClient) -> None:
    for user_id, email in ACCOUNTS.items():
        for other, own_password in ((each, each == user_id) for each in ACCOUNTS):
            answer = log_in(client, email, other)
            assert answer.status_code == (200 if own_password else 401), (email, other)
            assert not own_password or answer.json["data"]["user"]["id"] == user_id


def test_each_logs_in_by_its_own_spelling_before_and_after_the_job(upgraded: Database, client: TestClient) -> None:
    assert_each_logs_in_by_its_own_spelling(client)

    assert Upgrade(upgraded, has_accounts=True).work()

    assert_each_logs_in_by_its_own_spelling(client)
    assert log_in(client, "ADA@example.com", "third").status_code == 200
    assert upgraded.run("SELECT email_folded, count(*) FROM users GROUP BY 1 ORDER BY 1 NULLS LAST") == [
        ("ada@example.com", 1),
        ("strasse@example.com", 1),
        (None, 1),
    ]


def test_no_third_one_can_be_registered(upgraded: Database, client: TestClient) -> None:
    Upgrade(upgraded, has_accounts=True).work()

    answer = client.simulate_post("/auth/register", json={"email": "Straße@EXAMPLE.com", "password": "correct horse"})

    assert error_of(answer) == (400, "EMAIL_TAKEN")


def test_the_log_names_both_once_and_says_what_to_do(upgraded: Database, caplog: pytest.LogCaptureFixture) -> None:
    job = Upgrade(upgraded, has_accounts=True)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            assert job.work()

    [warning] = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert {"first", "second"} <= set(warning.replace(",", "").split())
    assert "change or delete one of them" in warning
    assert "example.com" not in caplog.text


def test_a_collision_that_was_settled_is_over(
    upgraded: Database, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    job = Upgrade(upgraded, has_accounts=True)
    job.work()
    upgraded.run("DELETE FROM users WHERE email_folded = 'strasse@example.com'")
    caplog.clear()

    job.work()

    assert upgraded.run("SELECT count(*) FROM users WHERE email_folded IS NULL") == [(0,)]
    assert caplog.records == []

"""Which e-mails are one account: NFKC and full case folding, diacritics count; for the look-up and for the limit."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from falcon.testing import Result, TestClient

from api.postgres.database import Database
from tests.support.callers import error_of

PASSWORD = "correct horse"


def register(client: TestClient, email: str, password: str = PASSWORD) -> Result:
    result: Result = client.simulate_post("/auth/register", json={"email": email, "password": password})
    return result


def log_in(client: TestClient, email: str, password: str = PASSWORD, address: str = "192.0.2.1") -> Result:
    result: Result = client.simulate_post(
        "/auth/login", json={"email": email, "password": password}, remote_addr=address
    )
    return result


def user_of(result: Result) -> str:
    """The id of the account that was registered or logged in."""
    assert result.status_code in (200, 201), result.text
    return str(result.json["data"]["user"]["id"])


ALIKE = [
    ("straße@example.com", "STRASSE@example.com"),
    ("ΟΔΌΣ@example.com", "οδός@example.com"),
    ("jose\u0301@example.com", "JOSÉ@EXAMPLE.COM"),
    ("\uff21da@example.com", "ada@example.com"),
]


@pytest.mark.parametrize(("one", "other"), [*ALIKE, *(pair[::-1] for pair in ALIKE)])
def test_two_spellings_of_one_address_are_one_account(client: TestClient, one: str, other: str) -> None:
    account = user_of(register(client, one))

    assert error_of(register(client, other)) == (400, "EMAIL_TAKEN")
    assert user_of(log_in(client, one)) == user_of(log_in(client, other)) == account
    assert log_in(client, other).json["data"]["user"]["email"] == one


def test_an_accent_makes_another_account(client: TestClient) -> None:
    plain = user_of(register(client, "jose@example.com", "the first one's"))
    accented = user_of(register(client, "josé@example.com", "the second one's"))

    assert plain != accented
    assert user_of(log_in(client, "JOSE@example.com", "the first one's")) == plain
    assert user_of(log_in(client, "JOSÉ@example.com", "the second one's")) == accented
    assert error_of(log_in(client, "josé@example.com", "the first one's")) == (401, "INVALID_CREDENTIALS")


@pytest.mark.parametrize("folded", [True, False], ids=["an account", "an account that the job has not reached"])
class TestSpellingsOfOneAddress:
    """PostgreSQL's lower() makes `İ` an `i`: six of them would be 63 further spellings, each with its own limit."""

    @pytest.fixture(autouse=True)
    def account(self, client: TestClient, database: Database, folded: bool) -> None:
        user_of(register(client, "iiiiii@example.com"))
        if not folded:
            database.run("UPDATE users SET email_folded = NULL")

    def test_another_letter_is_another_address(self, client: TestClient) -> None:
        spellings = ["".join(letters) + "@example.com" for letters in itertools.product("iİ", repeat=6)]

        found = [spelling for spelling in spellings if log_in(client, spelling).status_code == 200]

        assert found == ["iiiiii@example.com"]

    def test_what_finds_the_account_shares_one_limit(self, make_client: Callable[..., TestClient]) -> None:
        limited = make_client(AUTH_RATE_LIMIT="1/hour", WORKERS="1")
        spellings = ["iiiiii@example.com", "IIIIII@example.com", "\uff29iIiIi@EXAMPLE.com", "\uff49iiiii@example.com"]

        answers = [
            log_in(limited, spelling, "wrong horse", address=f"192.0.2.{number}").status_code
            for number, spelling in enumerate(spellings * 2)
        ]

        assert answers == [401] * 4 + [429] * 4

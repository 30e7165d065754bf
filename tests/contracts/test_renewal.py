"""POST /auth/renew: a new token for a valid one of a local account, until 30 days after the log-in."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from falcon.testing import Result, TestClient

from api.postgres.database import Database
from tests.support.callers import Caller, error_of
from tests.support.signing import SECRET, token_for

ADA = {"email": "ada@example.com", "password": "correct horse", "name": "Ada"}
DAY = 24 * 3600


@pytest.fixture
def session(client: TestClient) -> dict[str, Any]:
    """The response to Ada's registration."""
    data: dict[str, Any] = client.simulate_post("/auth/register", json=ADA).json["data"]
    return data


def renew(client: TestClient, token: str) -> Result:
    result: Result = client.simulate_post("/auth/renew", headers={"Authorization": f"Bearer {token}"})
    return result


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, SECRET, ["HS256"])
    return claims


def aged(token: str, seconds: int) -> str:
    """The token as it would be had its log-in been earlier."""
    claims = claims_of(token)
    return jwt.encode({**claims, "auth_time": claims["auth_time"] - seconds}, SECRET, "HS256")


def test_the_response_is_that_of_a_log_in(client: TestClient, session: dict[str, Any]) -> None:
    response = renew(client, session["token"])

    assert response.status_code == 200
    data = response.json["data"]
    assert {**data, "token": ""} == {**session, "token": ""}
    assert Caller(client, data["user"]["id"], data["token"]).make_task("Mine")["user_id"] == session["user"]["id"]


def test_the_new_token_lives_on_and_keeps_the_time_of_the_log_in(client: TestClient, session: dict[str, Any]) -> None:
    old = claims_of(aged(session["token"], 7 * DAY))

    new = claims_of(renew(client, aged(session["token"], 7 * DAY)).json["data"]["token"])

    assert new["auth_time"] == old["auth_time"]
    assert new["exp"] - new["iat"] == 3600
    assert abs(new["iat"] - time.time()) < 60


def test_a_renewed_token_is_renewed_again(client: TestClient, session: dict[str, Any]) -> None:
    token = session["token"]
    for _ in range(3):
        token = renew(client, token).json["data"]["token"]


@pytest.mark.parametrize(("age", "status"), [(30 * DAY - 60, 200), (30 * DAY + 60, 401)])
def test_thirty_days_after_the_log_in_another_is_needed(
    client: TestClient, session: dict[str, Any], age: int, status: int
) -> None:
    response = renew(client, aged(session["token"], age))

    assert response.status_code == status
    if status == 401:
        assert error_of(response) == (401, "TOKEN_EXPIRED")
        assert response.headers["www-authenticate"] == "Bearer"


def test_the_users_present_name_is_in_the_response(
    client: TestClient, session: dict[str, Any], database: Database
) -> None:
    database.run("UPDATE users SET name = 'Countess'")

    data = renew(client, session["token"]).json["data"]

    assert data["user"]["name"] == "Countess"
    assert claims_of(data["token"])["name"] == "Countess"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("DELETE FROM users", "TOKEN_INVALID"),
        ("UPDATE users SET disabled_at = now()", "TOKEN_INVALID"),
        ("UPDATE users SET password_hash = NULL", "TOKEN_INVALID"),
        ("UPDATE users SET signed_out_at = now() + interval '2 s'", "TOKEN_EXPIRED"),
    ],
)
def test_an_account_that_is_gone_disabled_or_signed_out_is_401(
    client: TestClient, session: dict[str, Any], database: Database, change: str, code: str
) -> None:
    database.run(change)

    assert error_of(renew(client, session["token"])) == (401, code)


def test_a_log_in_after_the_account_was_signed_out_is_renewed(
    client: TestClient, session: dict[str, Any], database: Database
) -> None:
    database.run("UPDATE users SET signed_out_at = now()")
    data = client.simulate_post("/auth/login", json=ADA).json["data"]

    assert renew(client, data["token"]).status_code == 200


def test_a_token_of_an_auth_server_is_not_renewed(client: TestClient, session: dict[str, Any]) -> None:
    token = token_for(session["user"]["id"], auth_time=int(time.time()))

    assert error_of(renew(client, token)) == (401, "TOKEN_INVALID")


def test_without_a_valid_token_it_is_401(client: TestClient, session: dict[str, Any]) -> None:
    expired = jwt.encode({**claims_of(session["token"]), "exp": int(time.time()) - 1}, SECRET, "HS256")

    assert error_of(renew(client, expired)) == (401, "TOKEN_EXPIRED")
    assert error_of(renew(client, session["token"][:-3] + "abc")) == (401, "TOKEN_INVALID")
    assert error_of(client.simulate_post("/auth/renew")) == (401, "UNAUTHORIZED")


def test_it_counts_as_a_call_of_the_user(make_client: Callable[..., TestClient]) -> None:
    client = make_client(RATE_LIMIT="2/year")
    token = client.simulate_post("/auth/register", json=ADA).json["data"]["token"]

    assert [renew(client, token).status_code for _ in range(3)] == [200, 200, 429]


def test_it_is_not_there_without_local_accounts(make_client: Callable[..., TestClient]) -> None:
    assert error_of(renew(make_client(LOCAL_ACCOUNTS="off"), token_for("ada"))) == (404, "NOT_FOUND")

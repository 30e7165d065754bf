"""Local accounts, /auth: user story 2 of the specification "Backend API & Database Layer" and the contract's words."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
from falcon.testing import Result, TestClient

from api.postgres.database import Database
from tests.support.callers import Caller, error_of
from tests.support.signing import SECRET, token_for

ADA = {"email": "ada@example.com", "password": "correct horse", "name": "Ada"}


def register(client: TestClient, **fields: object) -> Result:
    result: Result = client.simulate_post("/auth/register", json={**ADA, **fields})
    return result


def log_in(client: TestClient, **fields: object) -> Result:
    body = {"email": ADA["email"], "password": ADA["password"], **fields}
    result: Result = client.simulate_post("/auth/login", json=body)
    return result


class TestRegister:
    def test_valid_credentials_make_a_user_and_return_a_token(self, client: TestClient, database: Database) -> None:
        answer = register(client)

        assert answer.status_code == 201
        data = answer.json["data"]
        assert set(data) == {"token", "token_type", "expires_in", "user"}
        assert (data["token_type"], data["expires_in"]) == ("Bearer", 3600)
        assert data["user"] == {"id": data["user"]["id"], "email": ADA["email"], "name": "Ada"}
        assert database.run("SELECT id, email, name FROM users") == [(data["user"]["id"], ADA["email"], "Ada")]

    def test_the_token_works_at_once(self, client: TestClient) -> None:
        data = register(client).json["data"]
        user = Caller(client, data["user"]["id"], data["token"])

        assert user.make_task("Buy milk")["user_id"] == data["user"]["id"]

    def test_the_name_is_optional(self, client: TestClient) -> None:
        answer = client.simulate_post("/auth/register", json={"email": "b@example.com", "password": "correct horse"})

        assert answer.status_code == 201
        assert answer.json["data"]["user"]["name"] is None

    @pytest.mark.parametrize("email", [ADA["email"], "ADA@Example.COM"])
    def test_a_known_email_is_400_in_whatever_case(self, client: TestClient, email: str) -> None:
        register(client)

        assert error_of(register(client, email=email)) == (400, "EMAIL_TAKEN")

    def test_six_registrations_at_once_make_one_user(self, client: TestClient, database: Database) -> None:
        spellings = ["ada@example.com", "Ada@example.com", "ADA@EXAMPLE.COM"] * 2

        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda email: register(client, email=email), spellings))

        assert sorted(answer.status_code for answer in answers) == [201] + [400] * 5
        assert {error_of(answer)[1] for answer in answers if answer.status_code == 400} == {"EMAIL_TAKEN"}
        assert database.run("SELECT count(*) FROM users") == [(1,)]

    @pytest.mark.parametrize(
        ("fields", "wrong"),
        [
            ({"email": "no-at-sign"}, "email"),
            ({"email": "a@b c"}, "email"),
            ({"email": ""}, "email"),
            ({"email": None}, "email"),
            ({"email": f"{'a' * 250}@b.example"}, "email"),
            ({"email": "a\0@b.example"}, "email"),
            ({"password": "1234567"}, "password"),
            ({"password": "x" * 73}, "password"),
            ({"password": "é" * 37}, "password"),
            ({"password": "12345678\0"}, "password"),
            ({"password": 12345678}, "password"),
            ({"name": "a\0b"}, "name"),
            ({"name": 7}, "name"),
        ],
    )
    def test_invalid_input_is_400_with_its_field_named(
        self, client: TestClient, database: Database, fields: dict[str, object], wrong: str
    ) -> None:
        answer = register(client, **fields)

        assert error_of(answer) == (400, "VALIDATION_ERROR")
        assert [each["field"] for each in answer.json["error"]["details"]] == [wrong]
        assert str(fields[wrong]) not in answer.text or not fields[wrong]
        assert database.run("SELECT count(*) FROM users") == [(0,)]


class TestLogIn:
    def test_the_credentials_of_an_account_return_a_token(self, client: TestClient) -> None:
        user = register(client).json["data"]["user"]

        answer = log_in(client)

        assert answer.status_code == 200
        data = answer.json["data"]
        assert data["user"] == user
        assert Caller(client, user["id"], data["token"])("GET", "/api/tasks").status_code == 200

    def test_emails_match_without_case(self, client: TestClient) -> None:
        register(client)

        assert log_in(client, email="ADA@example.COM").json["data"]["user"]["email"] == ADA["email"]

    @pytest.mark.parametrize("password", ["wrong horse", "", "x", "x" * 73, "é" * 5_000, "correct horse" + "x" * 90])
    def test_a_wrong_password_and_an_unknown_email_are_answered_alike(self, client: TestClient, password: str) -> None:
        register(client)

        wrong = log_in(client, password=password)
        unknown = log_in(client, password=password, email="nobody@example.com")

        assert error_of(wrong) == error_of(unknown) == (401, "INVALID_CREDENTIALS")
        assert wrong.content == unknown.content
        assert wrong.headers["www-authenticate"] == unknown.headers["www-authenticate"] == "Bearer"

    @pytest.mark.parametrize("fields", [{"email": 5}, {"password": None}, {"password": "a\0b"}, {"email": "a\0"}])
    def test_invalid_input_is_400(self, client: TestClient, fields: dict[str, object]) -> None:
        register(client)

        assert error_of(log_in(client, **fields)) == (400, "VALIDATION_ERROR")

    def test_a_provisioned_user_has_no_password_to_log_in_with(
        self, client: TestClient, make_user: Callable[..., Caller]
    ) -> None:
        make_user(email=ADA["email"]).make_task("Buy milk")

        assert error_of(log_in(client)) == (401, "INVALID_CREDENTIALS")
        assert register(client).status_code == 201
        assert log_in(client).status_code == 200


class TestTokens:
    def test_a_token_lives_as_long_as_token_ttl_says(self, make_client: Callable[..., TestClient]) -> None:
        data = register(make_client(TOKEN_TTL="90")).json["data"]

        claims = jwt.decode(data["token"], SECRET, ["HS256"])
        assert data["expires_in"] == claims["exp"] - claims["iat"] == 90
        assert claims["sub"] == data["user"]["id"]

    def test_a_token_carries_issuer_and_audience_where_they_are_set(
        self, make_client: Callable[..., TestClient]
    ) -> None:
        client = make_client(JWT_ISSUER="https://tasks.example", JWT_AUDIENCE="tasks")
        data = register(client).json["data"]

        claims = jwt.decode(data["token"], SECRET, ["HS256"], audience="tasks", issuer="https://tasks.example")
        assert claims["aud"] == "tasks"
        assert Caller(client, data["user"]["id"], data["token"])("GET", "/api/tasks").status_code == 200

    def test_a_token_is_signed_with_the_newest_secret(self, make_client: Callable[..., TestClient]) -> None:
        newest = "Xb2mHz6cJf8aXvR0sN1dQe7yTg4uLk9pW"
        client = make_client(BETTER_AUTH_SECRETS=f"1:{SECRET},2:{newest}")
        data = register(client).json["data"]

        assert jwt.decode(data["token"], newest, ["HS256"])["sub"] == data["user"]["id"]
        assert Caller(client, data["user"]["id"], data["token"])("GET", "/api/tasks").status_code == 200
        assert Caller(client, "old", token_for("old"))("GET", "/api/tasks").status_code == 200


@pytest.mark.parametrize("path", ["/auth/register", "/auth/login"])
class TestSwitch:
    def test_off_means_not_there(self, make_client: Callable[..., TestClient], path: str) -> None:
        answer = make_client(LOCAL_ACCOUNTS="off").simulate_post(path, json=ADA)

        assert error_of(answer) == (404, "NOT_FOUND")

    def test_they_are_off_where_somebody_else_issues_the_tokens(
        self, make_client: Callable[..., TestClient], path: str
    ) -> None:
        elsewhere = {"JWKS_URL": "http://127.0.0.1:9/jwks"}

        assert make_client(**elsewhere).simulate_post(path, json=ADA).status_code == 404
        assert make_client(**elsewhere, LOCAL_ACCOUNTS="on").simulate_post(path, json=ADA).status_code != 404

    def test_only_post_is_allowed(self, client: TestClient, path: str) -> None:
        answer = client.simulate_get(path)

        assert error_of(answer) == (405, "METHOD_NOT_ALLOWED")
        assert "POST" in answer.headers["allow"]

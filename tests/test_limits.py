"""Limits with several definitions: the code, the migration, the schema files and the OpenAPI document agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg2.errors
import pytest
from falcon.testing import TestClient

from api.postgres.database import Database
from tests.support.callers import Caller, error_of

INSERT_USER = "INSERT INTO users (id) VALUES (%s)"
INSERT_KEY = "INSERT INTO idempotency_keys (user_id, key, fingerprint, answer) VALUES ('ada', %s, '', '[]')"


@pytest.fixture
def components(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.simulate_get("/openapi.json").json["components"]
    return found


def test_a_user_id_has_at_most_255_characters(
    database: Database, make_user: Callable[..., Caller], components: dict[str, Any]
) -> None:
    assert components["parameters"]["UserId"]["schema"]["maxLength"] == 255
    database.run(INSERT_USER, ("é" * 255,))
    with pytest.raises(psycopg2.errors.CheckViolation):
        database.run(INSERT_USER, ("é" * 256,))
    assert make_user("é" * 255)("GET", "/api/tasks").status_code == 200
    assert error_of(make_user("é" * 256)("GET", "/api/tasks")) == (401, "TOKEN_INVALID")


def test_an_idempotency_key_has_at_most_255_characters(
    database: Database, user: Caller, components: dict[str, Any]
) -> None:
    schema = components["parameters"]["IdempotencyKey"]["schema"]
    assert (schema["minLength"], schema["maxLength"]) == (1, 255)
    database.run(INSERT_USER, ("ada",))
    database.run(INSERT_KEY, ("k" * 255,))
    with pytest.raises(psycopg2.errors.CheckViolation):
        database.run(INSERT_KEY, ("k" * 256,))

    def create(key: str) -> Any:
        return user("POST", "/api/tasks", {"title": "a"}, headers={"Idempotency-Key": key})

    assert create("k" * 255).status_code == 201
    response = create("k" * 256)
    assert error_of(response) == (422, "VALIDATION_ERROR")
    assert response.json["error"]["message"] == "Idempotency-Key must be 1 to 255 visible ASCII characters"


@pytest.mark.parametrize(
    ("password", "status"), [("xyzxyzx", 400), ("xyzxyzxy", 201), ("éèà" * 12, 201), ("éèà" * 12 + "é", 400)]
)
def test_a_password_has_8_characters_and_72_bytes(
    anonymous: Caller, components: dict[str, Any], password: str, status: int
) -> None:
    schema = components["schemas"]["Registration"]["properties"]["password"]
    assert schema["maxLength"] == 72
    assert "At least 8 characters" in schema["description"]
    assert "at most 72 bytes" in schema["description"]
    result = anonymous("POST", "/auth/register", {"email": "ada@example.com", "password": password})
    assert result.status_code == status
    if status == 400:
        limit = "at least 8 characters" if len(password) < 8 else "at most 72 bytes"
        assert limit in result.json["error"]["message"]

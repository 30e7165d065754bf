"""Errors: every row of the contract's table, in the envelope, for any Accept header."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from falcon.testing import TestClient

from api.errors import RESPONSES, Code, DomainError
from api.migrate import migrate
from api.postgres.database import Database
from api.postgres.errors import DatabaseUnavailable, Overloaded
from tests.support.callers import Caller, error_of
from tests.support.postgres import connect
from tests.support.signing import token_for

JSON = {"Content-Type": "application/json"}


def raw(caller: Caller, body: bytes, path: str = "/api/tasks", method: str = "POST", **headers: str) -> Any:
    return caller(method, path, headers={**JSON, **headers}, body=body)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"not json",
        b"",
        b"\xff\xfe",
        b'{"title": "\xff"}',
        b'{"title": NaN}',
        b'{"title": Infinity}',
        b'{"title": "\\ud800"}',
        b'\xef\xbb\xbf{"title": "a"}',
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"title": ' + b"[" * 1100 + b"]" * 1100 + b"}",
    ],
    ids=[
        "cut",
        "text",
        "empty",
        "utf-16",
        "bad utf-8",
        "NaN",
        "Infinity",
        "surrogate",
        "bom",
        "deep array",
        "deep object",
        "deep member",
    ],
)
def test_a_body_that_is_not_json_is_malformed(user: Caller, body: bytes) -> None:
    assert error_of(raw(user, body)) == (400, "MALFORMED_JSON")
    assert user.titles() == []


@pytest.mark.parametrize("body", [b"[]", b"null", b'"title"', b"1", b"true"])
def test_json_that_is_not_an_object_is_invalid(user: Caller, body: bytes) -> None:
    result = raw(user, body)
    assert error_of(result) == (422, "VALIDATION_ERROR")
    assert result.json["error"]["details"] == [{"field": "body", "message": "The body must be a JSON object"}]


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({}, "title", "Title is required"),
        ({"title": None}, "title", "Title is required"),
        ({"title": ""}, "title", "Title is required"),
        ({"title": " \t\n\u00a0\u3000"}, "title", "Title is required"),
        ({"title": 1}, "title", "Title must be text"),
        ({"title": "x" * 501}, "title", "Title must be at most 500 characters long"),
        ({"title": "a\0b"}, "title", "Title must not contain NUL"),
        ({"title": "a", "description": 1}, "description", "Description must be text or null"),
        (
            {"title": "a", "description": "x" * 10_001},
            "description",
            "Description must be at most 10000 characters long",
        ),
        ({"title": "a", "description": "\0"}, "description", "Description must not contain NUL"),
        ({"title": "a", "completed": 1}, "completed", "Completed must be true or false"),
        ({"title": "a", "completed": "true"}, "completed", "Completed must be true or false"),
        ({"title": "a", "completed": None}, "completed", "Completed must be true or false"),
        (
            {"title": "a", "due_date": "tomorrow"},
            "due_date",
            "Due date must be a date (2026-03-01) or an RFC 3339 date-time with its offset",
        ),
    ],
)
def test_an_invalid_field_is_named(user: Caller, fields: dict[str, Any], field: str, message: str) -> None:
    result = user("POST", "/api/tasks", fields)
    assert error_of(result) == (422, "VALIDATION_ERROR")
    assert result.json["error"]["details"] == [{"field": field, "message": message}]
    assert result.json["error"]["message"] == message
    assert user.titles() == []


def test_every_invalid_field_is_named_once(user: Caller) -> None:
    result = user("POST", "/api/tasks", {"title": "", "description": 5, "due_date": 7})
    assert [each["field"] for each in result.json["error"]["details"]] == ["title", "description", "due_date"]


def test_an_update_needs_a_known_field(user: Caller) -> None:
    task = user.make_task()
    result = user("PATCH", f"/api/tasks/{task['id']}", {"colour": "red"})
    assert error_of(result) == (422, "VALIDATION_ERROR")
    assert result.json["error"]["details"][0]["field"] == "body"


def test_no_error_repeats_a_submitted_value(user: Caller) -> None:
    secret = "hunter2-" + "x" * 600
    for fields in ({"title": secret}, {"title": "a", "due_date": secret}, {"title": "a", "completed": secret}):
        assert "hunter2" not in user("POST", "/api/tasks", fields).text


@pytest.mark.parametrize("task_id", ["abc", "1.5", "1_0", "٣", "1e3", "0x1", "", "%20", "+1", "--1", "-"])
def test_an_id_that_is_not_an_ascii_integer_is_invalid(user: Caller, task_id: str) -> None:
    result = user("GET", f"/api/tasks/{task_id}/complete" if not task_id else f"/api/tasks/{task_id}")
    if not task_id:
        assert result.status_code in {404, 405, 422}
        return
    assert error_of(result) == (422, "VALIDATION_ERROR")
    assert result.json["error"]["details"] == [{"field": "id", "message": "The task id must be an integer"}]


@pytest.mark.parametrize("task_id", ["0", "-1", "999999999", str(2**63 - 1), str(2**63), str(2**64), "9" * 5000, "-0"])
@pytest.mark.parametrize(("method", "suffix"), [("GET", ""), ("PUT", ""), ("DELETE", ""), ("PATCH", "/complete")])
def test_an_unknown_id_is_not_found(user: Caller, method: str, suffix: str, task_id: str) -> None:
    body = {"title": "a"} if method == "PUT" else None
    assert error_of(user(method, f"/api/tasks/{task_id}{suffix}", body)) == (404, "NOT_FOUND")


def test_leading_zeros_are_the_same_integer(user: Caller) -> None:
    task = user.make_task()
    assert user("GET", f"/api/tasks/000{task['id']}").json["data"] == task


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/xml"])
def test_a_body_that_is_not_declared_as_json_is_rejected(user: Caller, content_type: str) -> None:
    result = user("POST", "/api/tasks", headers={"Content-Type": content_type}, body=b'{"title": "a"}')
    assert error_of(result) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("content_type", ["application/json", "APPLICATION/JSON", "application/json; charset=UTF-8"])
def test_json_is_recognised_in_every_spelling_of_the_media_type(user: Caller, content_type: str) -> None:
    result = user("POST", "/api/tasks", headers={"Content-Type": content_type}, body=b'{"title": "a"}')
    assert result.status_code == 201


def test_a_charset_other_than_utf_8_is_rejected(user: Caller) -> None:
    result = raw(user, b'{"title": "a"}', **{"Content-Type": "application/json; charset=latin-1"})
    assert error_of(result) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_body_over_1_mib_is_too_large(user: Caller) -> None:
    at_limit = json.dumps({"title": "a", "padding": ""}).encode()
    at_limit = at_limit[:-2] + b"x" * (1024 * 1024 - len(at_limit)) + b'"}'
    assert len(at_limit) == 1024 * 1024
    assert raw(user, at_limit).status_code == 201
    assert error_of(raw(user, at_limit + b" ")) == (413, "PAYLOAD_TOO_LARGE")


def test_an_unknown_path_is_not_found_without_a_token(anonymous: Caller) -> None:
    for path in ("/nowhere", "/api", "/api/tasks/1/complete/x", "/favicon.ico", "/api/a/b/tasks"):
        assert error_of(anonymous("GET", path)) == (404, "NOT_FOUND")


def test_a_wrong_method_gets_the_allowed_ones(user: Caller) -> None:
    result = user("DELETE", "/api/tasks")
    assert error_of(result) == (405, "METHOD_NOT_ALLOWED")
    assert set(result.headers["allow"].split(", ")) == {"GET", "HEAD", "POST", "OPTIONS"}


def test_a_method_that_does_not_exist_is_a_bad_request(user: Caller) -> None:
    assert error_of(user("BREW", "/api/tasks")) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/png", "application/json;q=0", "rubbish"])
def test_an_error_is_json_for_any_accept_header(anonymous: Caller, user: Caller, accept: str) -> None:
    assert error_of(anonymous("GET", "/api/tasks", headers={"Accept": accept})) == (401, "UNAUTHORIZED")
    assert error_of(user("GET", "/nowhere", headers={"Accept": accept})) == (404, "NOT_FOUND")
    assert error_of(user("DELETE", "/api/tasks", headers={"Accept": accept})) == (405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Basic YTpi", "bearer", "Token abc", "Bearer a b", "abc", "Bearer\tabc"],
)
def test_without_a_usable_authorization_there_is_no_data(client: TestClient, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    result = client.simulate_get("/api/tasks", headers=headers)
    assert error_of(result) == (401, "UNAUTHORIZED")
    assert result.headers["www-authenticate"] == "Bearer"


def test_the_schemes_case_does_not_matter(client: TestClient) -> None:
    for scheme in ("bearer", "BEARER", "Bearer "):
        result = client.simulate_get("/api/tasks", headers={"Authorization": f"{scheme} {token_for('ada')}"})
        assert result.status_code == 200


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("rubbish", "TOKEN_INVALID"),
        (token_for("ada")[:-4] + "AAAA", "TOKEN_INVALID"),
        (token_for("ada", exp=1), "TOKEN_EXPIRED"),
        (token_for("ada", sub=None), "TOKEN_INVALID"),
        (token_for("ada", exp=None), "TOKEN_INVALID"),
    ],
    ids=["rubbish", "signature", "expired", "no user", "no exp"],
)
def test_an_invalid_token_gets_an_error_code_for_its_reason(client: TestClient, token: str, code: str) -> None:
    result = client.simulate_get("/api/tasks", headers={"Authorization": f"Bearer {token}"})
    assert error_of(result) == (401, code)
    assert result.headers["www-authenticate"] == "Bearer"


def test_an_unforeseen_error_is_logged_and_its_response_has_no_details(
    user: Caller, broken_inserts: None, caplog: pytest.LogCaptureFixture
) -> None:
    result = user("POST", "/api/tasks", {"title": "a"}, headers={"X-Request-ID": "find-me"})
    assert error_of(result) == (500, "INTERNAL_ERROR")
    assert "insides" not in result.text
    assert "the insides" in caplog.text
    assert [vars(record)["request_id"] for record in caplog.records if record.name == "api.errors"] == ["find-me"]


def test_an_unreachable_database_is_503(
    create_database: Callable[[], str], client_over: Callable[..., TestClient], database: Database
) -> None:
    url = create_database()
    leaving = connect(url)
    migrate(leaving, "users")
    client = client_over(leaving)
    name = url.rsplit("/", 1)[1].partition("?")[0]
    database.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    database.run("SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE datname = %s", (name,))
    headers = {"Authorization": f"Bearer {token_for('ada')}"}
    for method, path in (("GET", "/api/tasks"), ("GET", "/api/tasks/1"), ("DELETE", "/tasks/1"), ("GET", "/ready")):
        result = client.simulate_request(method, path, headers=headers)
        assert error_of(result) == (503, "DATABASE_UNAVAILABLE")
        assert result.headers["retry-after"] == "1"
    assert client.simulate_get("/health").status_code == 200
    assert client.simulate_get("/api/tasks").status_code == 401
    leaving.close()


def test_every_domain_error_has_a_response_and_every_code_is_used() -> None:
    leaves = {each for each in DomainError.__subclasses__() if not each.__subclasses__()}
    assert set(RESPONSES) == leaves | {DatabaseUnavailable, Overloaded}
    elsewhere = {Code.BAD_REQUEST, Code.HEADERS_TOO_LARGE, Code.METHOD_NOT_ALLOWED, Code.INTERNAL_ERROR}
    assert {response.code for response in RESPONSES.values()} == set(Code) - elsewhere


def test_a_valid_request_id_is_kept_and_any_other_replaced(anonymous: Caller) -> None:
    given = anonymous("GET", "/health", headers={"X-Request-ID": "abc.DEF-1_2"})
    assert given.headers["x-request-id"] == "abc.DEF-1_2"
    for odd in ("with space", "x" * 129, "<script>", "é"):
        made = anonymous("GET", "/health", headers={"X-Request-ID": odd})
        assert made.headers["x-request-id"] != odd
        assert len(made.headers["x-request-id"]) == 32


def test_responses_are_private_and_not_sniffed(user: Caller, anonymous: Caller) -> None:
    for result in (user("GET", "/api/tasks"), anonymous("GET", "/api/tasks"), anonymous("GET", "/nowhere")):
        assert result.headers["cache-control"] == "no-store"
        assert result.headers["x-content-type-options"] == "nosniff"


def test_a_schema_that_is_not_current_is_not_ready(
    create_database: Callable[[], str], client: TestClient, database: Database
) -> None:
    assert client.simulate_get("/ready").json == {"data": {"status": "ready", "writable": True}}
    database.run("DELETE FROM tasks_migrations WHERE name = '002_folded_text'")
    try:
        assert error_of(client.simulate_get("/ready")) == (503, "DATABASE_UNAVAILABLE")
        assert client.simulate_get("/health").json["data"]["status"] == "ok"
    finally:
        database.run("INSERT INTO tasks_migrations (name, migrated_at) VALUES ('002_folded_text', now())")

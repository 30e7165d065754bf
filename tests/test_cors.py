"""CORS: one test for each promise of the contract, on every kind of response."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from falcon.testing import Result, TestClient

from tests.support.callers import Caller
from tests.support.signing import token_for

ORIGIN = "http://localhost:3000"
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
SENT = "authorization, content-type, idempotency-key, if-match, if-none-match, x-request-id"
"""The header fields that a page may send."""

EXPOSED = {
    *("etag", "link", "location", "retry-after", "x-request-id"),
    *("idempotent-replayed", "ratelimit", "ratelimit-policy"),
}
"""The header fields of a response that a page may read."""

RESPONSES = [
    ("GET", "/api/tasks", 200),
    ("GET", "/api/tasks/1", 404),
    ("GET", "/api/tasks/x", 422),
    ("POST", "/api/tasks", 400),
    ("DELETE", "/api/tasks", 405),
    ("BREW", "/api/tasks", 400),
    ("GET", "/api/another/tasks", 403),
    ("GET", "/nowhere", 404),
    ("GET", "/health", 200),
]


@pytest.mark.parametrize(("method", "path", "status"), RESPONSES)
def test_every_response_may_be_read_by_an_allowed_origin(user: Caller, method: str, path: str, status: int) -> None:
    result = user(method, path, headers={"Origin": ORIGIN})
    assert result.status_code == status
    assert result.headers["access-control-allow-origin"] == ORIGIN
    assert result.headers["access-control-allow-credentials"] == "true"
    exposed = result.headers["access-control-expose-headers"].replace(" ", "").split(",")
    assert set(exposed) == EXPOSED


def test_a_401_may_be_read_by_an_allowed_origin(anonymous: Caller) -> None:
    result = anonymous("GET", "/api/tasks", headers={"Origin": ORIGIN})
    assert result.status_code == 401
    assert result.headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize(("method", "path", "status"), RESPONSES)
@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:3001",
        "https://localhost:3000",
        "http://localhost:3000.evil.example",
        "http://localhost:30000",
        "http://localhost",
        "null",
        "http://localhost:3000/",
        "HTTP://LOCALHOST:3000",
    ],
)
def test_no_response_may_be_read_by_another_origin(
    user: Caller, method: str, path: str, status: int, origin: str
) -> None:
    result = user(method, path, headers={"Origin": origin})
    assert result.status_code == status
    assert not [name for name in result.headers if name.startswith("access-control-")]
    assert result.headers["vary"] == "Origin"


@pytest.mark.parametrize(("method", "path", "status"), RESPONSES)
def test_every_response_varies_by_origin(user: Caller, method: str, path: str, status: int) -> None:
    assert user(method, path).headers["vary"] == "Origin"
    assert user(method, path, headers={"Origin": ORIGIN}).headers["vary"] == "Origin"


def preflight(client: TestClient, path: str, method: str, headers: str = "authorization, content-type") -> Result:
    return client.simulate_options(
        path,
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": headers,
        },
    )


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/api/tasks", {"GET", "HEAD", "POST"}),
        ("/api/tasks/1", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
        ("/api/tasks/1/complete", {"PATCH"}),
        ("/api/ada/tasks", {"GET", "HEAD", "POST"}),
        ("/tasks/1", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
        ("/auth/login", {"POST"}),
        ("/auth/renew", {"POST"}),
    ],
)
def test_a_preflight_needs_no_token_and_allows_the_methods_of_the_path(
    client: TestClient, path: str, methods: set[str]
) -> None:
    for method in methods:
        result = preflight(client, path, method)
        assert result.status_code == 200
        assert result.headers["access-control-allow-origin"] == ORIGIN
        assert result.headers["access-control-allow-credentials"] == "true"
        allowed = set(result.headers["access-control-allow-methods"].replace(" ", "").split(","))
        assert methods <= allowed <= METHODS
        assert result.headers["access-control-max-age"] == "600"


def test_a_preflight_allows_every_header_of_the_contract(client: TestClient) -> None:
    result = preflight(client, "/api/tasks", "POST", SENT)
    assert result.headers["access-control-allow-headers"].lower() == SENT


def test_a_preflight_for_anything_else_is_not_allowed(client: TestClient) -> None:
    odd_header = preflight(client, "/api/tasks", "POST", "x-evil")
    assert "access-control-allow-headers" not in odd_header.headers
    odd_method = preflight(client, "/api/tasks/1/complete", "DELETE")
    assert "DELETE" not in odd_method.headers.get("access-control-allow-methods", "")


def test_a_response_to_options_has_allow(client: TestClient) -> None:
    result = client.simulate_options("/api/tasks/1")
    assert result.status_code == 200
    assert set(result.headers["allow"].split(", ")) == {"GET", "HEAD", "PUT", "PATCH", "DELETE"}
    assert result.text == ""


def test_any_number_of_origins_may_be_allowed(make_client: Callable[..., TestClient]) -> None:
    headers = {"Authorization": f"Bearer {token_for('ada')}"}
    two = make_client(CORS_ORIGINS="https://a.example, https://b.example")
    for origin in ("https://a.example", "https://b.example"):
        result = two.simulate_get("/api/tasks", headers={**headers, "Origin": origin})
        assert result.headers["access-control-allow-origin"] == origin
    assert "access-control-allow-origin" not in two.simulate_get("/health", headers={"Origin": ORIGIN}).headers
    none = make_client(CORS_ORIGINS="")
    assert "access-control-allow-origin" not in none.simulate_get("/health", headers={"Origin": ORIGIN}).headers


def test_requests_without_an_origin_carry_no_cors_headers(user: Caller) -> None:
    result = user("GET", "/api/tasks")
    assert not [name for name in result.headers if name.startswith("access-control-")]

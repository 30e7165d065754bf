"""CORS: one test for each promise of the contract, on every kind of response."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from falcon.testing import Result, TestClient

from tests.support.callers import Caller, error_of
from tests.support.signing import token_for

ORIGIN = "http://localhost:3000"
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


@pytest.fixture
def client(make_client: Callable[..., TestClient]) -> TestClient:
    """A client of an application that allows this origin alone."""
    return make_client(CORS_ORIGINS=ORIGIN)


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
    assert result.headers["vary"] == vary_of(method, path, status)


def vary_of(method: str, path: str, status: int) -> str:
    """The Vary of a response: a list may also be sent with gzip."""
    return "Accept-Encoding, Origin" if (method, path, status) == ("GET", "/api/tasks", 200) else "Origin"


@pytest.mark.parametrize(("method", "path", "status"), RESPONSES)
def test_every_response_varies_by_origin(user: Caller, method: str, path: str, status: int) -> None:
    expected = vary_of(method, path, status)
    assert user(method, path).headers["vary"] == expected
    assert user(method, path, headers={"Origin": ORIGIN}).headers["vary"] == expected


def preflight(
    client: TestClient, path: str, method: str, headers: str = "authorization, content-type", origin: str = ORIGIN
) -> Result:
    return client.simulate_options(
        path,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": headers,
        },
    )


@pytest.mark.parametrize(
    "path",
    [
        *("/api/tasks", "/api/tasks/", "/api/tasks/1", "/api/tasks/x/complete", "/api/ada/tasks", "/tasks/1"),
        *("/auth/login", "/auth/renew", "/health", "/docs", "/static/app.js", "/static/nothing.js"),
        *("/nowhere", "/api/v1/tasks", "/api/tasks/1/toggle", "/auth/me", "/%2e%2e"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "patch", "QUERY", "X-1"])
def test_a_preflight_is_granted_on_every_path_for_every_method(client: TestClient, path: str, method: str) -> None:
    result = preflight(client, path, method)
    assert (result.status_code, result.text) == (200, "")
    assert result.headers["access-control-allow-origin"] == ORIGIN
    assert result.headers["access-control-allow-credentials"] == "true"
    assert method in result.headers["access-control-allow-methods"].split(", ")
    assert result.headers["access-control-allow-headers"] == "authorization, content-type"
    assert result.headers["access-control-max-age"] == "600"
    assert result.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "names",
    [
        *("authorization", "traceparent,tracestate", "sentry-trace, baggage", "x-requested-with", "If-Match , x"),
        *("a\t,\tb", "!#$%&'*+-.^_`|~", "x" * 4000),
    ],
)
def test_a_preflight_is_granted_for_any_header_names(client: TestClient, names: str) -> None:
    result = preflight(client, "/api/tasks", "POST", names)
    assert result.headers["access-control-allow-headers"].split(", ") == [name.strip() for name in names.split(",")]


@pytest.mark.parametrize(("path", "status"), [("/api/tasks", 200), ("/nowhere", 404)])
def test_a_preflight_without_an_origin_is_none(client: TestClient, path: str, status: int) -> None:
    result = client.simulate_options(path, headers={"Access-Control-Request-Method": "PUT"})
    assert result.status_code == status
    assert not [name for name in result.headers if name.startswith("access-control-")]


def test_a_preflight_may_name_no_header(client: TestClient) -> None:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT"}
    result = client.simulate_options("/api/tasks", headers=headers)
    assert "PUT" in result.headers["access-control-allow-methods"]
    assert "access-control-allow-headers" not in result.headers


@pytest.mark.parametrize("names", ["a b", "a,,b", "a:b", "é", "a,", '"a"', "a/b", "{x}"])
def test_a_preflight_with_malformed_header_names_is_not_granted(client: TestClient, names: str) -> None:
    result = preflight(client, "/api/tasks", "POST", names)
    assert "access-control-allow-headers" not in result.headers
    assert "access-control-allow-methods" not in result.headers
    assert preflight(client, "/nowhere", "POST", names).status_code == 404


@pytest.mark.parametrize("method", ["", "PO ST", "POST,PUT", "é", "a/b"])
def test_a_preflight_with_a_malformed_method_is_not_granted(client: TestClient, method: str) -> None:
    assert "access-control-allow-methods" not in preflight(client, "/api/tasks", method).headers
    assert preflight(client, "/nowhere", method).status_code == 404


@pytest.mark.parametrize("origin", ["http://localhost:3001", "null", "", "http://localhost:3000.evil.example"])
@pytest.mark.parametrize(("path", "status"), [("/api/tasks", 200), ("/nowhere", 404)])
def test_a_preflight_from_another_origin_is_not_granted(
    client: TestClient, origin: str, path: str, status: int
) -> None:
    result = preflight(client, path, "POST", origin=origin)
    assert result.status_code == status
    assert not [name for name in result.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "BREW"])
def test_an_unknown_path_stays_unknown_to_anything_but_a_preflight(anonymous: Caller, method: str) -> None:
    result = anonymous(method, "/nowhere", headers={"Origin": ORIGIN})
    assert error_of(result) == (404, "NOT_FOUND")
    assert result.headers["access-control-allow-origin"] == ORIGIN


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


def allows(client: TestClient, origin: str) -> bool:
    response = client.simulate_get("/health", headers={"Origin": origin})
    granted = preflight(client, "/api/tasks", "POST", origin=origin).headers.get("access-control-allow-origin")
    allowed = response.headers.get("access-control-allow-origin")
    assert allowed == granted
    assert allowed in (None, origin)
    assert response.headers.get("access-control-allow-credentials") == ("true" if allowed else None)
    return allowed is not None


LOOPBACK = [
    *("http://localhost:3000", "http://localhost:5173", "https://localhost", "http://127.0.0.1:3000"),
    *("http://127.9.9.9", "http://[::1]:8080", "https://app.localhost:4200"),
]
NOT_LOOPBACK = [
    *("http://localhost.evil.example", "http://evil-localhost", "http://evil.example:3000", "http://127.0.0.1.evil"),
    *("http://127.0.0.1@evil.example", "http://1127.0.0.1", "http://[::2]", "ftp://localhost", "null", ""),
    *("http://" + "a" * 5000 + ".localhost", "http://" + "a." * 200 + "localhost"),
    *("http://localhost:3000/", "http://localhost:", "http://LOCALHOST:3000", "http://localhost:30000000"),
]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_unset_on_a_loopback_host_any_loopback_origin_is_allowed(
    make_client: Callable[..., TestClient], host: str
) -> None:
    client = make_client(HOST=host)
    assert [origin for origin in LOOPBACK if not allows(client, origin)] == []
    assert [origin for origin in NOT_LOOPBACK if allows(client, origin)] == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "backend.example"])
def test_unset_on_another_host_one_origin_is_allowed(make_client: Callable[..., TestClient], host: str) -> None:
    client = make_client(HOST=host)
    assert [origin for origin in (*LOOPBACK, *NOT_LOOPBACK) if allows(client, origin)] == ["http://localhost:3000"]


def test_set_on_a_loopback_host_only_these_origins_are_allowed(make_client: Callable[..., TestClient]) -> None:
    client = make_client(CORS_ORIGINS="https://app.example.com")
    assert allows(client, "https://app.example.com")
    assert [origin for origin in LOOPBACK if allows(client, origin)] == []


def test_an_origin_is_allowed_in_the_form_that_browsers_send(make_client: Callable[..., TestClient]) -> None:
    client = make_client(CORS_ORIGINS="HTTPS://App.Example.com:443/, http://bücher.example:80")
    assert allows(client, "https://app.example.com")
    assert allows(client, "http://xn--bcher-kva.example")
    assert not allows(client, "https://App.Example.com")


def test_an_asterisk_stands_for_one_label(make_client: Callable[..., TestClient]) -> None:
    client = make_client(CORS_ORIGINS="https://*.example.app, http://*.dev.example:8080")
    for origin in ("https://pr-7.example.app", "https://my_branch--x.example.app", "http://a.dev.example:8080"):
        assert allows(client, origin), origin
    for origin in (
        *("https://example.app", "https://a.b.example.app", "https://.example.app", "https://a.example.app.evil"),
        *("https://evil.example?.example.app", "https://evil/.example.app", "https://aexample.app"),
        *("http://a.example.app", "https://a.example.app:8443", "https://*.example.app", "https://a.exampleXapp"),
        *("https://evil@a.example.app", "http://a.dev.example", "https://" + "a" * 64 + ".example.app"),
    ):
        assert not allows(client, origin), origin

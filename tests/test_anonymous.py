"""ANONYMOUS_USER: which requests without a token are this user's, and which are not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from falcon.testing import Result, TestClient

from api.postgres.database import Database
from api.settings import SettingsError, load_settings
from tests.support.callers import error_of
from tests.support.signing import token_for

Send = Callable[..., Result]


def sender(client: TestClient) -> Send:
    """Calls the application as a program on this machine does."""

    def send(method: str, path: str, headers: dict[str, str] | None = None, **options: Any) -> Result:
        options = {"remote_addr": "127.0.0.1", **options}
        headers = {"Host": "localhost:8000", **(headers or {})}
        result: Result = client.simulate_request(method, path, headers=headers, **options)
        return result

    return send


@pytest.fixture
def send(make_client: Callable[..., TestClient]) -> Send:
    return sender(make_client(ANONYMOUS_USER="demo"))


def test_a_request_without_a_token_is_the_users(send: Send, database: Database) -> None:
    made = send("POST", "/api/tasks", json={"title": "Try it"})
    assert made.status_code == 201
    assert made.json["data"]["user_id"] == "demo"
    for path in ("/api/tasks", "/api/demo/tasks", "/tasks"):
        assert send("GET", path).json == {"data": [made.json["data"]]}
    assert database.run("SELECT id, email, name FROM users") == [("demo", None, None)]


def test_the_user_is_isolated_from_others(send: Send) -> None:
    theirs = {"Authorization": f"Bearer {token_for('ada')}"}
    made = send("POST", "/api/tasks", theirs, json={"title": "Mine"}).json["data"]
    assert send("GET", "/api/tasks", theirs).json == {"data": [made]}
    assert send("GET", "/api/tasks").json == {"data": []}
    assert error_of(send("GET", f"/api/tasks/{made['id']}")) == (404, "NOT_FOUND")
    assert error_of(send("GET", f"/tasks/{made['id']}")) == (403, "FORBIDDEN")
    assert error_of(send("GET", "/api/ada/tasks")) == (403, "FORBIDDEN")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer x", "Bearer null", "Basic ZGVtbzo=", "demo"])
def test_a_bad_token_stays_401(send: Send, header: str) -> None:
    assert send("GET", "/api/tasks", {"Authorization": header}).status_code == 401


def test_an_expired_token_stays_401(send: Send) -> None:
    expired = {"Authorization": f"Bearer {token_for('demo', exp=1)}"}
    assert error_of(send("GET", "/api/tasks", expired)) == (401, "TOKEN_EXPIRED")


def test_without_the_setting_a_token_is_needed(make_client: Callable[..., TestClient]) -> None:
    assert error_of(sender(make_client())("GET", "/api/tasks")) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize(
    "headers",
    [
        *({"Host": host} for host in ("localhost", "127.0.0.1:8000", "[::1]:8000", "127.9.9.9", "LOCALHOST:1")),
        *({"Origin": origin} for origin in ("http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]:1")),
        *({"Sec-Fetch-Site": site} for site in ("same-origin", "same-site", "none")),
        {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "cross-site", "Host": "127.0.0.1:8000"},
        {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "localhost:3000", "X-Forwarded-Proto": "http"},
        {"X-Forwarded-For": "::1, ::ffff:127.0.0.1"},
    ],
)
def test_programs_and_pages_of_this_machine_are_served(send: Send, headers: dict[str, str]) -> None:
    assert send("GET", "/api/tasks", headers).status_code == 200
    assert send("POST", "/api/tasks", headers, json={"title": "x"}).status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        *(
            {"Host": host}
            for host in (
                *(
                    "evil.example",
                    "evil.example:8000",
                    "127.0.0.1.evil.example",
                    "localhost.evil.example",
                    "0.0.0.0:8000",
                ),
                *("192.168.0.2:8000", "[::]:8000", "[::2]", "xlocalhost", "2130706433", "127.1", "localhost:8000.evil"),
            )
        ),
        *(
            {"Origin": origin}
            for origin in ("http://evil.example", "null", "", "http://localhost.evil.example", "chrome-extension://x")
        ),
        {"Origin": "http://evil.example", "Host": "evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "anything"},
        {"X-Forwarded-For": "192.0.2.1"},
        {"X-Forwarded-For": "192.0.2.1, 127.0.0.1"},
        {"X-Forwarded-For": "127.0.0.1, 192.0.2.1"},
        {"X-Forwarded-For": "unknown"},
        {"X-Forwarded-For": ""},
        {"X-Forwarded-Host": "demo.tunnel.example"},
        {"X-Forwarded-Host": "localhost, demo.tunnel.example"},
        {"Forwarded": "for=192.0.2.1"},
    ],
)
def test_anything_else_needs_a_token_and_changes_nothing(send: Send, headers: dict[str, str]) -> None:
    assert error_of(send("GET", "/api/tasks", headers)) == (401, "UNAUTHORIZED")
    assert error_of(send("POST", "/api/tasks", headers, json={"title": "x"})) == (401, "UNAUTHORIZED")
    assert send("GET", "/api/tasks").json == {"data": []}
    token = {"Authorization": f"Bearer {token_for('ada')}"}
    assert send("GET", "/api/tasks", {**headers, **token}).status_code == 200


@pytest.mark.parametrize("peer", ["192.0.2.1", "10.0.0.1", "::2", "", "unix"])
def test_another_machine_needs_a_token(send: Send, peer: str) -> None:
    assert error_of(send("GET", "/api/tasks", remote_addr=peer)) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.1.1.1", "::1", "::ffff:127.0.0.1"])
def test_this_machine_may_have_any_loopback_address(send: Send, peer: str) -> None:
    assert send("GET", "/api/tasks", remote_addr=peer).status_code == 200


def test_a_page_must_be_of_an_allowed_origin_or_of_this_service(make_client: Callable[..., TestClient]) -> None:
    send = sender(make_client(ANONYMOUS_USER="demo", CORS_ORIGINS="https://app.example.com"))
    get = partial(send, "GET", "/api/tasks")
    assert get({"Origin": "https://app.example.com"}).status_code == 200
    assert get({"Origin": "http://localhost:8000"}).status_code == 200
    assert get({"Origin": "http://localhost:3000"}).status_code == 401
    assert get({"Origin": "https://localhost:8000"}).status_code == 401


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        *(({"HOST": host}, "HOST") for host in ("0.0.0.0", "::", "192.0.2.1", "backend.example", "127.example")),
        ({"JWKS_URL": "http://localhost:3000/api/auth/jwks"}, "JWKS_URL"),
    ],
)
def test_it_cannot_be_set_where_it_would_reach_further(environ: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=rf"^ANONYMOUS_USER must be unset .*\b{named}\b") as caught:
        load_settings({"ANONYMOUS_USER": "demo", **environ})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1"])
def test_it_can_be_set_on_a_loopback_host(host: str) -> None:
    assert load_settings({"ANONYMOUS_USER": "demo", "HOST": host}).anonymous_user == "demo"

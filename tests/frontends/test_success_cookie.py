"""Client C: `success`, `data` and `error` in every response, and a token in a cookie. It runs over real sockets.

Its page names its origin, and keeps the cookie as a browser does.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from typing import Any

import pytest

from tests.frontends.page import Page, Reply, through_socket
from tests.support.processes import UNLIMITED, Service, running
from tests.support.signing import token_for

ORIGIN = "http://localhost:3000"
ACCOUNT = {"email": "ada@example.com", "password": "correct horse", "name": "Ada"}


class CookiePage(Page):
    """A page in a browser, which keeps the cookie and names the page's origin."""

    def __init__(self, port: int) -> None:
        super().__init__(through_socket(port))
        self.headers["Origin"] = ORIGIN
        self.cookies: dict[str, str] = {}

    def send(self, method: str, path: str, body: object = None, **query: str) -> Reply:
        self.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        reply = super().send(method, path, body, **query)
        for name, morsel in SimpleCookie(reply.headers.get("set-cookie", "")).items():
            if morsel["expires"]:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value
        return reply


@pytest.fixture(scope="module")
def service(create_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    log = tmp_path_factory.mktemp("cookie") / "log"
    settings = {**UNLIMITED, "CORS_ORIGINS": ORIGIN, "FRONTEND": "success-cookie", "WORKERS": "1"}
    with running(log, DATABASE_URL=create_database(), **settings) as service:
        yield service


@pytest.fixture
def page(service: Service) -> CookiePage:
    """A page whose user has just signed up."""
    page = CookiePage(service.port)
    account = {**ACCOUNT, "email": f"{uuid.uuid4().hex}@example.com"}
    page.user_id = page("POST", "/api/auth/signup", account, status=201)["data"]["user"]["id"]
    return page


def create(page: Page, **fields: Any) -> Any:
    body = page("POST", f"/api/{page.user_id}/tasks", {"title": "Buy milk", **fields}, status=201)
    assert (body["success"], body["error"]) == (True, None)
    return body["data"]["task"]


def test_the_cookie_is_http_only_and_no_response_has_the_token(service: Service) -> None:
    page = CookiePage(service.port)
    page("POST", "/api/auth/signup", ACCOUNT, status=201)

    reply = page.send("POST", "/api/auth/signin", {"email": "ada@example.com", "password": "correct horse"})

    cookie = reply.headers["set-cookie"]
    assert cookie.startswith("auth_token=ey")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert page.cookies["auth_token"].encode() not in reply.body
    assert reply.headers["access-control-allow-credentials"] == "true"
    assert page("GET", "/api/auth/me")["data"]["user"]["name"] == "Ada"


def test_a_task_is_created_listed_read_and_changed(page: CookiePage) -> None:
    task = create(page, description="two")
    path = f"/api/{page.user_id}/tasks"

    assert page("GET", path) == {"success": True, "data": {"tasks": [task]}, "error": None}
    assert page("GET", f"{path}/{task['id']}")["data"]["task"] == task
    assert page("PUT", f"{path}/{task['id']}", {"title": "Bread"})["data"]["task"]["title"] == "Bread"


def test_complete_without_a_body_completes_and_reopens(page: CookiePage) -> None:
    path = f"/api/{page.user_id}/tasks/{create(page)['id']}/complete"

    assert [page("PATCH", path)["data"]["task"]["completed"] for _ in range(2)] == [True, False]


def test_a_delete_has_a_body(page: CookiePage) -> None:
    path = f"/api/{page.user_id}/tasks"

    assert page("DELETE", f"{path}/{create(page)['id']}") == {"success": True, "data": None, "error": None}
    assert page("GET", path)["data"]["tasks"] == []


def test_an_error_is_no_success_and_has_a_message(page: CookiePage) -> None:
    refused = page("POST", f"/api/{page.user_id}/tasks", {"title": ""}, status=422)

    assert (refused["success"], refused["data"]) == (False, None)
    assert refused["error"]["message"] == "Title is required"
    assert page("GET", f"/api/{page.user_id}/tasks/999999", status=404)["error"]["message"] == "Task not found"
    wrong = page("POST", "/api/auth/signin", {**ACCOUNT, "password": "wrong horse"}, status=401)
    assert wrong["error"]["message"] == "E-mail or password is wrong"


def test_a_refresh_sets_a_new_cookie(page: CookiePage) -> None:
    reply = page.send("POST", "/api/auth/refresh")

    assert reply.status == 200
    assert reply.headers["set-cookie"].startswith("auth_token=ey")
    assert page("GET", "/api/auth/me")["data"]["user"]["id"] == page.user_id


def test_signing_out_deletes_the_cookie(page: CookiePage) -> None:
    assert page("POST", "/api/auth/signout")["success"] is True

    assert page.cookies == {}
    assert page("GET", "/api/auth/me", status=401)["success"] is False


def test_an_expired_cookie_is_deleted(page: CookiePage) -> None:
    page.cookies["auth_token"] = token_for(page.user_id, exp=1)

    assert page("GET", "/api/auth/me", status=401)["error"]["code"] == "TOKEN_EXPIRED"
    assert page.cookies == {}


def test_a_wrong_password_keeps_the_cookie_of_who_is_signed_in(page: CookiePage) -> None:
    page("POST", "/api/auth/signin", {"email": "nobody@example.com", "password": "wrong horse"}, status=401)
    assert page("GET", "/api/auth/me")["data"]["user"]["id"] == page.user_id


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_a_change_by_cookie_from_another_origin_is_forbidden(page: CookiePage, origin: str) -> None:
    task = create(page)
    page.headers["Origin"] = origin

    for method, path, body in (
        ("POST", f"/api/{page.user_id}/tasks", {"title": "Theirs"}),
        ("PATCH", f"/api/{page.user_id}/tasks/{task['id']}/complete", None),
        ("DELETE", f"/api/{page.user_id}/tasks/{task['id']}", None),
    ):
        page(method, path, body, status=403)
    page.headers["Origin"] = ORIGIN
    assert page("GET", f"/api/{page.user_id}/tasks")["data"]["tasks"] == [task]


def test_a_cookie_does_not_open_another_users_path(page: CookiePage) -> None:
    task = create(page)

    assert page("GET", "/api/somebody/tasks", status=403)["error"]["code"] == "FORBIDDEN"
    page("DELETE", f"/api/somebody/tasks/{task['id']}", status=403)

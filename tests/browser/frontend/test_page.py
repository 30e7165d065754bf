"""A Vue page with a cookie, written for another backend, on another port: with its profile, and with wrong ones."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from tests.browser.chromium import Page, expect
from tests.support.processes import Service
from tests.support.signing import token_for
from tests.support.waiting import wait_until

COOKIE = "errands_session"


@pytest.fixture(scope="module")
def service(serve_profile: Callable[..., Service]) -> Service:
    return serve_profile()


def sign_up(page: Page) -> str:
    """Sign up as Ada; her e-mail."""
    mail = f"{uuid.uuid4().hex[:12]}@example.com"
    page.get_by_label("Name").fill("Ada")
    enter(page, mail, "Sign up")
    return mail


def enter(page: Page, mail: str, button: str) -> None:
    page.get_by_label("E-mail").fill(mail)
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name=button).click()


def add(page: Page, label: str, until: str = "") -> None:
    # A list that was asked for before would otherwise replace the one with the new errand.
    expect(page.get_by_text(re.compile(r"\d open, \d done"))).to_be_visible()
    page.get_by_label("What").fill(label)
    page.get_by_label("Until").fill(until)
    page.get_by_role("button", name="Add").click()


def cookie_of(page: Page) -> str | None:
    return next((each["value"] for each in page.context.cookies() if each["name"] == COOKIE), None)


def stored(service: Service, page: Page) -> list[dict[str, Any]]:
    """The tasks of the page's user in the canonical contract."""
    tasks: list[dict[str, Any]] = service.call("GET", "/canonical/api/tasks", token=cookie_of(page)).json["data"]
    return tasks


def not_understood(service: Service) -> list[tuple[str, str]]:
    return [(event["name"], event["serve_it_with"]) for event in service.events("not understood")]


def test_a_user_signs_up_creates_completes_deletes_and_signs_out(
    service: Service, open_page: Callable[..., Page]
) -> None:
    page = open_page(service)
    mail = sign_up(page)
    expect(page.get_by_role("heading")).to_have_text("Errands of Ada")
    expect(page.get_by_text("0 open, 0 done")).to_be_visible()
    assert "errands_session" not in page.evaluate("document.cookie")

    page.get_by_label("Urgency").select_option("high")
    add(page, "Post the letter", "2026-12-01T10:00")
    expect(page.get_by_text("1 open, 0 done")).to_be_visible()
    errand = page.get_by_role("listitem")
    expect(errand).to_contain_text("high")
    expect(errand).to_contain_text("2026-12-01T10:00")
    assert stored(service, page)[0]["due_date"] == "2026-12-01T09:00:00.000000Z"

    page.get_by_label("Post the letter", exact=True).click()
    expect(page.get_by_text("0 open, 1 done")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading")).to_have_text("Errands of Ada")
    expect(page.get_by_role("checkbox")).to_be_checked()
    page.get_by_role("checkbox").click()
    expect(page.get_by_text("1 open, 0 done")).to_be_visible()

    add(page, " ")
    expect(page.get_by_role("alert")).to_have_text("Label is required")
    page.get_by_role("button", name="Delete Post the letter").click()
    expect(page.get_by_text("0 open, 0 done")).to_be_visible()
    assert stored(service, page) == []

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign up")).to_be_visible()
    assert cookie_of(page) is None
    enter(page, mail, "Sign in")
    expect(page.get_by_role("heading")).to_have_text("Errands of Ada")
    assert not_understood(service) == []


def test_an_expired_token_leads_to_the_form_and_clears_the_cookie(
    service: Service, open_page: Callable[..., Page]
) -> None:
    page = open_page(service)
    sign_up(page)
    expect(page.get_by_role("heading")).to_be_visible()
    token = cookie_of(page)
    assert token is not None
    user_id = jwt.decode(token, options={"verify_signature": False})["sub"]
    expired = {"name": COOKIE, "value": token_for(user_id, exp=1), "url": service.origin, "httpOnly": True}
    page.context.add_cookies([expired])  # type: ignore[list-item]  # Playwright declares a TypedDict
    add(page, "Too late")
    expect(page.get_by_role("alert")).to_have_text("The token has expired")
    expect(page.get_by_role("button", name="Sign up")).to_be_visible()
    assert cookie_of(page) is None


def test_a_wrong_name_of_a_field_is_in_the_message_and_in_the_log(
    serve_profile: Callable[..., Service], open_page: Callable[..., Page]
) -> None:
    service = serve_profile({'title = "label"\n': ""})
    page = open_page(service)
    sign_up(page)
    add(page, "Post the letter")
    expect(page.get_by_role("alert")).to_have_text("Title is required")
    wait_until(lambda: [name for name, _ in not_understood(service)] == ["label"], "the log to name the field")


def test_a_wrong_member_around_the_list_leaves_it_empty_without_an_error(
    serve_profile: Callable[..., Service], open_page: Callable[..., Page]
) -> None:
    """The first row of the symptoms in docs/frontends.md: neither the page nor the log says anything."""
    service = serve_profile({'errands = "$tasks"': 'tasks = "$tasks"'})
    page = open_page(service)
    sign_up(page)
    add(page, "Post the letter")
    expect(page.get_by_text("1 open, 0 done")).to_be_visible()
    expect(page.get_by_role("listitem")).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_count(0)
    assert not_understood(service) == []
    assert [task["title"] for task in stored(service, page)] == ["Post the letter"]


def test_a_wrong_path_is_in_the_message_and_in_the_log(
    serve_profile: Callable[..., Service], open_page: Callable[..., Page]
) -> None:
    service = serve_profile({'path = "/api/errands"': 'path = "/api/tasks"'})
    page = open_page(service)
    sign_up(page)
    expect(page.get_by_role("alert")).to_have_text("No such path")
    line = ("GET /api/errands", '[tasks] aliases = ["/api/errands"]')
    wait_until(lambda: not_understood(service) == [line], "the log to name the path")


def test_a_body_of_a_delete_that_is_missing_is_a_message_about_json(
    serve_profile: Callable[..., Service], open_page: Callable[..., Page]
) -> None:
    service = serve_profile({'deleted = {success = true, data = "$null"}\n': ""})
    page = open_page(service)
    sign_up(page)
    add(page, "Post the letter")
    page.get_by_role("button", name="Delete Post the letter").click()
    expect(page.get_by_role("alert")).to_contain_text("Unexpected end of JSON input")
    assert stored(service, page) == []


def test_a_page_of_another_origin_fails_to_fetch_and_the_log_names_the_setting(
    serve_profile: Callable[..., Service], open_page: Callable[..., Page], page_port: int
) -> None:
    service = serve_profile(CORS_ORIGINS="http://127.0.0.1:3000")
    page = open_page(service)
    sign_up(page)
    expect(page.get_by_role("alert")).to_have_text("Failed to fetch")
    origin = f"http://127.0.0.1:{page_port}"
    line = (origin, f"the setting CORS_ORIGINS={origin}")
    wait_until(lambda: line in not_understood(service), "the log to name the setting")


def test_a_page_of_another_host_name_loses_the_cookie_and_the_start_warns(
    serve_profile: Callable[..., Service], open_page: Callable[..., Page], page_port: int
) -> None:
    origin = f"http://localhost:{page_port}"
    service = serve_profile(CORS_ORIGINS=origin)
    page = open_page(service, "localhost")
    sign_up(page)
    expect(page.get_by_role("alert")).to_have_text("A bearer token is required")
    expect(page.get_by_role("button", name="Sign up")).to_be_visible()
    assert [event["pages"] for event in service.events("browsers drop the cookie")] == [[origin]]

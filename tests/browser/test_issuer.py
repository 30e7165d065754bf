"""The page with accounts of a real Better Auth: signing in there, renewing its tokens, signing out there.

Better Auth has no pages. The sign-in page of these tests is theirs; it calls the real server.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jwt
import pytest

from tests.better_auth.servers import AuthServer, require_node
from tests.browser.chromium import Browser, BrowserContext, Page, Route, expect
from tests.browser.tasks_page import TasksPage
from tests.support.ports import free_port
from tests.support.processes import Service
from tests.support.signing import claims, make_signer, token_for
from tests.support.waiting import wait_until

LIFETIME = 10
"""Seconds. A token has to be checked before it expires, on a slow machine too."""
JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")

SIGN_IN_PAGE = """<!doctype html><title>Sign in</title>
<form><label>E-mail <input name="email"></label> <button>Sign up</button></form>
<script>
  document.forms[0].addEventListener("submit", async (event) => {
    event.preventDefault();
    const account = { email: document.forms[0].elements.email.value, name: "Ann", password: "a long enough password" };
    const options = { headers: { "Content-Type": "application/json" }, body: JSON.stringify(account) };
    await fetch("/api/auth/sign-up/email", { method: "POST", ...options });
    location = new URLSearchParams(location.search).get("callbackURL");
  });
</script>"""

SIGN_OUT = "() => fetch('/api/auth/sign-out', { method: 'POST' }).then(({ status }) => status)"
TOKEN = "() => JSON.parse(sessionStorage.getItem('tasks.session'))?.token"


class Servers(NamedTuple):
    """Better Auth, and the service that sends people there."""

    auth: AuthServer
    tasks: Service


@pytest.fixture(scope="module")
def servers(
    create_database: Callable[[], str],
    start_service: Callable[..., Service],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Servers]:
    require_node()
    url, port = create_database(), free_port()
    environ = {"TRUSTED_ORIGINS": f"http://127.0.0.1:{port}", "TOKEN_LIFETIME": f"{LIFETIME}s"}
    auth = AuthServer(tmp_path_factory.mktemp("issuer") / "auth.log", url, **environ)
    try:
        sign_in = f"{auth.origin}/sign-in?callbackURL={{return_url}}"
        settings = {"JWKS_URL": auth.jwks_url, "USERS_TABLE": "user", "SIGN_IN_URL": sign_in}
        yield Servers(auth, start_service(DATABASE_URL=url, PORT=str(port), **settings))
    finally:
        auth.stop()


@pytest.fixture
def context(browser: Browser, servers: Servers) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=servers.tasks.origin, service_workers="block")
    context.route(
        f"{servers.auth.origin}/sign-in*", lambda route: route.fulfill(body=SIGN_IN_PAGE, content_type="text/html")
    )
    yield context
    context.close()


def sign_up(page: Page) -> TasksPage:
    """Follow the page's link, sign up, and come back."""
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("E-mail").fill(f"{uuid.uuid4().hex}@example.com")
    page.get_by_role("button", name="Sign up").click()
    tab = TasksPage(page)
    expect(tab.new_task).to_be_visible()
    tab.expect_loaded()
    return tab


def test_a_person_signs_in_elsewhere_comes_back_and_stays_until_signing_out_there(
    context: BrowserContext, servers: Servers
) -> None:
    urls: list[str] = []
    problems: list[str] = []
    page = context.new_page()
    page.clock.install()
    page.on("request", lambda request: urls.append(request.url))
    page.on("console", lambda message: problems.append(message.text) if "Security Policy" in message.text else None)
    page.goto("/")
    expect(page.get_by_text("Sign in where your account is")).to_be_visible()
    tab = sign_up(page)
    assert page.url == f"{servers.tasks.origin}/"
    tab.add("Before")
    tab.expect_stored()

    first = page.evaluate(TOKEN)
    issued_at = jwt.decode(first, options={"verify_signature": False})["iat"]
    # Two tokens of one second may be equal.
    tab.wait_until(lambda: time.time() >= issued_at + 1, "the next second")
    page.clock.fast_forward(LIFETIME * 800)
    wait_until(lambda: page.evaluate(TOKEN) not in (None, first), "a new token", timeout=60)
    tab.add("After")
    tab.expect_stored()
    page.reload()
    expect(tab.row("Before")).to_be_visible()
    expect(tab.row("After")).to_be_visible()

    elsewhere = context.new_page()
    elsewhere.goto(f"{servers.auth.origin}/sign-in")
    assert elsewhere.evaluate(SIGN_OUT) == 200
    elsewhere.close()
    link = page.get_by_role("link", name="Sign in")

    def is_signed_out() -> bool:
        page.reload()
        page.wait_for_load_state("networkidle")
        return link.is_visible()

    wait_until(is_signed_out, "the page to ask for a sign-in", timeout=60)
    assert page.evaluate(TOKEN) is None
    assert problems == []
    assert [url for url in urls if JWT.search(url)] == []
    origins = {url.split("/")[2] for url in urls}
    assert origins == {f"127.0.0.1:{servers.tasks.port}", f"127.0.0.1:{servers.auth.port}"}


def test_a_log_out_here_lasts_although_the_session_there_goes_on(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/")
    tab = sign_up(page)
    tab.log_out()
    page.reload()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    expect(tab.new_task).to_be_hidden()


def test_a_pasted_token_stays_in_its_field_until_it_is_accepted(
    start_service: Callable[..., Service], browser: Browser
) -> None:
    issuer = f"http://127.0.0.1:{free_port()}"
    service = start_service(JWKS_URL=f"{issuer}/jwks", TOKEN_URL=f"{issuer}/token", LOCAL_ACCOUNTS="off")
    context = browser.new_context(base_url=service.origin, service_workers="block")
    # The issuer does not respond yet. Nobody has to wait for it who has a token.
    asked: list[Route] = []

    def keep_waiting(route: Route) -> None:
        asked.append(route)

    context.route(f"{issuer}/**", keep_waiting)
    page = context.new_page()
    page.goto("/")
    expect(page.get_by_role("link", name="Sign in")).to_be_hidden()
    page.get_by_text("How to get a token").click()
    expect(page.get_by_text('curl -s -b cookies "$AUTH/token"')).to_be_visible()
    form, field = page.locator("#token-form"), page.get_by_label("Token", exact=True)

    by_key = make_signer("EdDSA", "unknown").sign(claims(iss=issuer, aud=issuer))
    for token, reason in (
        (by_key, "The keys to check tokens are not available"),
        (f"{token_for('ann')[:-6]}AAAAAA", "The token is not valid"),
    ):
        field.fill(token)
        form.get_by_role("button", name="Continue").click()
        expect(form).to_contain_text(reason)
        expect(field).to_have_value(token)

    field.fill(f"Bearer {token_for('ann')}")
    form.get_by_role("button", name="Continue").click()
    expect(TasksPage(page).new_task).to_be_visible()
    assert asked
    context.close()

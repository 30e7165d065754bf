"""A session: over all tabs and visits if asked for, renewed while the page is open, ended in all tabs at once."""

from __future__ import annotations

import time

import jwt

from tests.browser.account import PASSWORD, Account
from tests.browser.chromium import Page, Request, Route, expect
from tests.browser.tasks_page import TasksPage
from tests.support.signing import token_for

TOKEN = "() => JSON.parse(localStorage.getItem('tasks.session')).token"


def stay_signed_in(tab: TasksPage, account: Account) -> None:
    tab.open()
    form = tab.page.locator("#account-form")
    form.get_by_label("E-mail").fill(account.email)
    form.get_by_label("Password").fill(PASSWORD)
    form.get_by_label("Stay signed in on this device").check()
    form.get_by_role("button", name="Log in").click()
    expect(tab.new_task).to_be_visible()
    tab.expect_loaded()


def next_tab(page: Page) -> TasksPage:
    return TasksPage(page.context.new_page())


def test_a_session_that_stays_is_that_of_every_tab_and_of_the_next_visit(tab: TasksPage, account: Account) -> None:
    stay_signed_in(tab, account)
    other = next_tab(tab.page)
    other.open()
    expect(other.new_task).to_be_visible()
    tab.page.close()
    other.page.close()
    later = next_tab(tab.page)
    later.open()
    expect(later.new_task).to_be_visible()


def test_without_that_wish_a_session_is_its_tabs_alone(tab: TasksPage, account: Account) -> None:
    tab.log_in(account)
    tab.page.reload()
    expect(tab.new_task).to_be_visible()
    other = next_tab(tab.page)
    other.open()
    expect(other.page.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_log_out_ends_the_session_of_every_tab_at_once(tab: TasksPage, account: Account) -> None:
    account.make_task("Private")
    stay_signed_in(tab, account)
    other = next_tab(tab.page)
    other.open()
    expect(other.row("Private")).to_be_visible()
    tab.log_out()
    expect(other.page.get_by_role("heading", name="Log in")).to_be_visible()
    assert "Private" not in other.page.content()
    stay_signed_in(tab, account)
    expect(other.row("Private")).to_be_visible()


def test_one_tab_renews_the_token_for_all_and_nobody_logs_in_again(tab: TasksPage, account: Account) -> None:
    renewed: list[str | None] = []

    def note(request: Request) -> None:
        if request.url.endswith("/auth/renew"):
            renewed.append(request.headers.get("authorization"))

    tab.page.context.on("request", note)
    tab.page.clock.install()
    stay_signed_in(tab, account)
    other = next_tab(tab.page)
    other.open()
    other.expect_loaded()
    for round_, titles in enumerate((("First", "Second"), ("Third", "Fourth")), 1):
        old = let_renew(tab)
        expire(tab.page, old)
        for each, title in zip((tab, other), titles, strict=True):
            each.add(title)
            each.expect_stored()
            expect(each.tick(title)).to_be_visible()
        assert renewed.count(f"Bearer {old}") == 1
        assert len(renewed) == round_
    assert sorted(account.titles()) == ["First", "Fourth", "Second", "Third"]


def let_renew(tab: TasksPage) -> str:
    """Move the page's clock to the time when the token is renewed, and wait for the new one; the old one."""
    old: str = tab.page.evaluate(TOKEN)
    claims = jwt.decode(old, options={"verify_signature": False})
    # Two tokens of one second are equal.
    tab.wait_until(lambda: time.time() >= claims["iat"] + 1, "the next second")
    tab.page.clock.fast_forward((claims["exp"] - claims["iat"]) * 800)
    tab.wait_until(lambda: tab.page.evaluate(TOKEN) != old, "a new token")
    return old


def expire(page: Page, token: str) -> None:
    """From now on the service gets an expired token in place of this one."""
    user_id = jwt.decode(token, options={"verify_signature": False})["sub"]
    expired = {"authorization": f"Bearer {token_for(user_id, exp=1)}"}

    def age(route: Route) -> None:
        headers = route.request.headers
        is_old = headers.get("authorization") == f"Bearer {token}"
        route.continue_(headers={**headers, **expired} if is_old else headers)

    page.context.route("**/api/tasks**", age)

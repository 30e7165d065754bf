"""A session: over all tabs and visits if asked for, renewed while the page is open, ended in all tabs at once."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.browser.account import PASSWORD, Account
from tests.browser.chromium import Page, Request, expect
from tests.browser.tasks_page import TasksPage
from tests.support.processes import Service

TOKEN_TTL = 8


@pytest.fixture(scope="module")
def short_lived(start_service: Callable[..., Service]) -> Service:
    return start_service(TOKEN_TTL=str(TOKEN_TTL))


def stay_signed_in(tab: TasksPage, account: Account) -> None:
    tab.open()
    form = tab.page.locator("#account-form")
    form.get_by_label("E-mail").fill(account.email)
    form.get_by_label("Password").fill(PASSWORD)
    form.get_by_label("Stay signed in on this device").check()
    form.get_by_role("button", name="Log in").click()
    expect(tab.new_task).to_be_visible()


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


def test_one_tab_renews_the_token_for_all_and_nobody_logs_in_again(
    short_lived: Service, open_tab: Callable[..., TasksPage]
) -> None:
    account = Account(short_lived)
    tab = open_tab(on=short_lived)
    renewed: list[str | None] = []

    def note(request: Request) -> None:
        if request.url.endswith("/auth/renew"):
            renewed.append(request.header_value("Authorization"))

    tab.page.context.on("request", note)
    stay_signed_in(tab, account)
    other = next_tab(tab.page)
    other.open()
    deadline = time.monotonic() + TOKEN_TTL + 2
    while time.monotonic() < deadline:
        tab.page.wait_for_timeout(200)
    for each, title in ((tab, "First"), (other, "Second")):
        each.add(title)
        each.expect_stored()
        expect(each.tick(title)).to_be_visible()
    assert sorted(account.log_in_again().titles()) == ["First", "Second"]
    assert renewed
    assert len(renewed) == len(set(renewed))

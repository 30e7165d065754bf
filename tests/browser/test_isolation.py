"""A user's tasks are shown only to that user, only as text, and loaded only from the page's origin."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable

from tests.browser.account import Account
from tests.browser.chromium import Browser, expect
from tests.browser.tasks_page import TasksPage
from tests.support.processes import Service

HOSTILE = "<img src=x onerror=alert(1)>"


def test_two_users_never_see_each_others_tasks(open_tab: Callable[..., TasksPage], service: Service) -> None:
    ada, bob = open_tab(), open_tab()
    ada.log_in(Account(service))
    bob.log_in(Account(service))
    ada.add("A present for Bob")
    bob.add("A surprise for Ada")
    for tab, own in ((ada, "A present for Bob"), (bob, "A surprise for Ada")):
        tab.expect_stored()
        tab.reload()
        tab.expect_titles([own])


def test_the_next_user_of_a_tab_sees_nothing_of_the_previous_user(tab: TasksPage, service: Service) -> None:
    tab.log_in(Account(service))
    tab.add("Private")
    tab.expect_stored()
    tab.new_task.fill("Half a thought")
    tab.log_out()
    tab.log_in_again(Account(service))
    expect(tab.page.get_by_text("Nothing to do.")).to_be_visible()
    expect(tab.new_task).to_have_value("")
    assert "Private" not in tab.page.content()


def test_markup_in_a_task_is_shown_as_text(tab: TasksPage, account: Account) -> None:
    account.make_task("From elsewhere " + HOSTILE, description=HOSTILE)
    tab.log_in(account)
    expect(tab.row("From elsewhere " + HOSTILE)).to_contain_text(HOSTILE)
    tab.add(HOSTILE, description=HOSTILE)
    tab.expect_stored()
    tab.edit(HOSTILE).get_by_role("button", name="Cancel").click()
    tab.delete(HOSTILE)
    tab.undo(HOSTILE)
    expect(tab.tick(HOSTILE)).to_be_visible()
    assert tab.page.locator("img").count() == 0


def test_every_file_of_the_page_is_loaded_from_its_own_origin(tab: TasksPage, account: Account) -> None:
    origins: set[str] = set()
    tab.page.on("request", lambda request: origins.add(urllib.parse.urlsplit(request.url).netloc))
    tab.log_in(account)
    tab.add("Stay at home")
    tab.expect_stored()
    assert origins == {urllib.parse.urlsplit(tab.page.url).netloc}


def test_the_content_security_policy_blocks_injected_scripts_and_markup(browser: Browser, service: Service) -> None:
    page = browser.new_context(base_url=service.origin).new_page()
    page.goto("/")
    with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
        page.evaluate("document.body.append(Object.assign(document.createElement('style'), {textContent: '*{}'}))")
    blocked = page.evaluate("try { document.body.innerHTML = '<b>x</b>'; false } catch { true }")
    assert blocked is True
    page.context.close()

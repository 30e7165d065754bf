"""The service or the network fails: the page reports it and retries; nothing is lost or duplicated."""

from __future__ import annotations

from collections.abc import Callable

from tests.browser.account import Account
from tests.browser.chromium import Route, expect
from tests.browser.fragile import FragileService
from tests.browser.tasks_page import TasksPage
from tests.support.processes import Service

RETRY_MS = 60_000
"""The page waits for 8 s at most before it tries again."""


def test_a_database_outage_is_reported_and_the_page_recovers_by_itself(
    fragile: FragileService, open_tab: Callable[..., TasksPage]
) -> None:
    account = Account(fragile.service)
    tab = open_tab(on=fragile.service)
    tab.log_in(account)
    tab.add("Before")
    tab.expect_stored()

    fragile.stop_database()
    tab.add("Meanwhile")
    # Wait for it before the next press: it moves what is below it.
    expect(tab.banner).to_contain_text("The database is not available")
    tab.tick("Before").click()
    expect(tab.banner).to_contain_text("Trying again in")
    expect(tab.row("Meanwhile")).to_contain_text("Saving…")

    fragile.start_database()
    tab.expect_stored(RETRY_MS)
    expect(tab.banner).to_be_hidden()
    stored = {task["title"]: task["completed"] for task in account.tasks()}
    assert stored == {"Meanwhile": False, "Before": True}
    assert len(account.tasks()) == 2


def test_a_list_requested_during_an_outage_appears_after_it(
    fragile: FragileService, open_tab: Callable[..., TasksPage]
) -> None:
    account = Account(fragile.service)
    account.make_task("Patience")
    tab = open_tab(on=fragile.service)
    tab.log_in(account)
    fragile.stop_database()
    tab.page.reload()
    expect(tab.banner).to_contain_text("The database is not available")
    fragile.start_database()
    expect(tab.row("Patience")).to_be_visible(timeout=RETRY_MS)
    expect(tab.banner).to_be_hidden()


def test_a_task_written_offline_is_stored_once_when_the_connection_is_back(tab: TasksPage, account: Account) -> None:
    tab.log_in(account)
    tab.page.context.set_offline(True)
    tab.add("On the train")
    expect(tab.row("On the train")).to_contain_text("Saving…")
    expect(tab.banner).to_contain_text("You are offline")
    tab.page.context.set_offline(False)
    tab.expect_stored()
    assert account.titles() == ["On the train"]


def test_a_lost_response_does_not_duplicate_a_task(tab: TasksPage, account: Account) -> None:
    tab.log_in(account)
    lost: list[str] = []

    def lose_the_first_response(route: Route) -> None:
        request = route.request
        if request.method == "POST" and not lost:
            lost.append(route.fetch().text())
            route.abort("connectionreset")
        else:
            route.continue_()

    tab.page.route("**/api/tasks", lose_the_first_response)
    tab.add("Only once")
    expect(tab.banner).to_contain_text("cannot be reached")
    tab.expect_stored()
    assert len(lost) == 1
    assert account.titles() == ["Only once"]


def test_rate_limited_writes_are_retried_until_stored(
    start_service: Callable[..., Service], open_tab: Callable[..., TasksPage]
) -> None:
    service = start_service(RATE_LIMIT="6/3second")
    account = Account(service)
    tab = open_tab(on=service)
    tab.log_in(account)
    titles = [f"Task {number}" for number in range(8)]
    # At once, so that they exceed the limit on a slow machine too.
    tab.paste("\n".join(titles))
    expect(tab.banner).to_contain_text("Too many requests")
    for title in titles:
        expect(tab.tick(title)).to_be_visible()
    tab.expect_stored(RETRY_MS)
    tab.page.reload()
    expect(tab.rows).to_have_count(len(titles), timeout=RETRY_MS)
    assert sorted(tab.titles()) == sorted(titles)

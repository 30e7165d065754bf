"""The default view says what is due when; the URL names the view, and the device remembers it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone

import pytest

from tests.browser.account import Account
from tests.browser.chromium import expect
from tests.browser.tasks_page import TasksPage
from tests.support.processes import Service

HEADINGS = "#tasks > section:visible .group-title"


@pytest.fixture
def tab(open_tab: Callable[..., TasksPage]) -> TasksPage:
    return open_tab(timezone_id="UTC", locale="en-GB")


def fill(account: Account) -> datetime:
    """Add tasks of every group. Returns the noon that they are relative to."""
    today = datetime.now(timezone.utc).date()

    def day(distance: int) -> str:
        due: date = today + timedelta(days=distance)
        return due.isoformat()

    account.make_task("Some day")
    account.make_task("Done long ago", due_date=day(-30), completed=True)
    account.make_task("In a week", due_date=day(7))
    account.make_task("Tomorrow's", due_date=day(1))
    account.make_task("Today's", due_date=day(0))
    account.make_task("Late", due_date=day(-1))
    account.make_task("Later still", due_date=day(8))
    return datetime.combine(today, time(12), timezone.utc)


def expect_sections(tab: TasksPage, expected: dict[str, list[str]]) -> None:
    """Wait until the page has exactly these headings, in this order, each with these titles below it."""
    expect(tab.page.locator(HEADINGS)).to_have_text(list(expected))
    for heading, titles in expected.items():
        # Screen readers walk the sections as regions with a name.
        expect(tab.page.get_by_role("region", name=heading).locator(".row-title")).to_have_text(titles)


def test_pending_tasks_stand_under_headings_by_their_due_date(tab: TasksPage, account: Account) -> None:
    tab.page.clock.install(time=fill(account))
    tab.log_in(account)
    expect(tab.page.get_by_role("radio", name="Pending")).to_be_checked()
    expect_sections(
        tab,
        {
            "Overdue": ["Late"],
            "Today": ["Today's"],
            "Tomorrow": ["Tomorrow's"],
            "Later": ["In a week", "Later still"],
            "No date": ["Some day"],
        },
    )

    editor = tab.edit("Late")
    editor.get_by_label("Due").fill("2031-01-02")
    editor.get_by_role("button", name="Save").click()
    expect(tab.page.get_by_role("region", name="Later").get_by_text("Late", exact=True)).to_be_visible()
    expect(tab.page.get_by_role("heading", name="Overdue")).to_be_hidden()
    expect(tab.page.get_by_role("button", name="Edit Late", exact=True)).to_be_focused()

    tab.show("All")
    expect(tab.rows).to_have_count(7)
    expect(tab.page.locator(HEADINGS).last).to_have_text("Completed")
    expect(tab.page.get_by_role("region", name="Completed").locator(".row-title")).to_have_text(["Done long ago"])
    tab.sort.select_option("Title")
    expect(tab.page.locator(".row-title").first).to_have_text("Done long ago")
    expect(tab.page.locator("#tasks").get_by_role("heading")).to_have_count(0)


def test_the_url_names_the_view_and_back_and_forward_change_it(tab: TasksPage, account: Account) -> None:
    account.make_task("Open tea")
    account.make_task("Closed tea", completed=True)
    tab.log_in(account)
    expect(tab.row("Open tea")).to_be_visible()
    assert tab.page.url.endswith("/")
    tab.show("All")
    expect(tab.rows).to_have_count(2)
    tab.sort.select_option("Newest first")
    expect(tab.page.locator(".row-title")).to_have_text(["Closed tea", "Open tea"])
    tab.search.press_sequentially("open tea", delay=5)
    expect(tab.rows).to_have_count(1)
    expect(tab.page).to_have_url(re.compile(r"/\?show=all&sort=newest&q=open\+tea$"))

    tab.reload()
    expect(tab.search).to_have_value("open tea")
    expect(tab.page.locator(".row-title")).to_have_text(["Open tea"])
    tab.page.go_back()
    expect(tab.search).to_have_value("")
    expect(tab.page.locator(".row-title")).to_have_text(["Closed tea", "Open tea"])
    tab.page.go_back()
    expect(tab.sort).to_have_value("due")
    tab.page.go_back()
    expect(tab.page.get_by_role("radio", name="Pending")).to_be_checked()
    expect(tab.rows).to_have_count(1)
    tab.page.go_forward()
    expect(tab.page.get_by_role("radio", name="All")).to_be_checked()
    expect(tab.rows).to_have_count(2)


def test_a_shared_url_shows_its_view_after_the_log_in(tab: TasksPage, account: Account) -> None:
    account.make_task("Red tea", completed=True)
    account.make_task("Red wine", completed=True)
    account.make_task("Red tea tomorrow")
    tab.page.goto("/?show=completed&q=tea&from=a+letter")
    tab.log_in_again(account)
    expect(tab.page.locator(".row-title")).to_have_text(["Red tea"])
    expect(tab.search).to_have_value("tea")


def test_the_device_remembers_filter_and_sort_but_no_words(tab: TasksPage, account: Account, service: Service) -> None:
    tab.log_in(account)
    tab.show("Completed")
    tab.sort.select_option("Title")
    tab.search.fill("my secret")
    expect(tab.page.get_by_text("Nothing found")).to_be_visible()
    tab.log_out()
    expect(tab.page).not_to_have_url(re.compile("secret"))
    tab.log_in_again(Account(service))
    expect(tab.search).to_have_value("")
    tab.page.go_back()
    expect(tab.search).to_have_value("")
    expect(tab.page).not_to_have_url(re.compile("secret"))

    tab.page.goto("/")
    expect(tab.page.get_by_role("radio", name="Completed")).to_be_checked()
    expect(tab.sort).to_have_value("title")

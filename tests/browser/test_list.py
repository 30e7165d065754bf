"""The list: filters, search, sorts and pages; due dates in every time zone; deletions that reach the service."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.account import Account
from tests.browser.chromium import Request, expect
from tests.browser.held import HeldRequests
from tests.browser.tasks_page import TasksPage


def test_filters_show_the_matching_tasks_and_their_number(tab: TasksPage, account: Account) -> None:
    account.make_task("Open")
    account.make_task("Closed", completed=True)
    tab.log_in(account)
    tab.show("Pending")
    tab.expect_titles(["Open"])
    tab.show("Completed")
    tab.expect_titles(["Closed"])
    for status, count in (("all", "2"), ("pending", "1"), ("completed", "1")):
        expect(tab.page.locator(f"[data-count={status}]")).to_have_text(count)


def test_a_task_completed_under_the_pending_filter_leaves_the_list(tab: TasksPage, account: Account) -> None:
    account.make_task("Second")
    account.make_task("First")
    tab.log_in(account)
    tab.show("Pending")
    tab.tick("First").check()
    expect(tab.row("First")).to_have_count(0)
    expect(tab.tick("Second")).to_be_focused()
    tab.tick("Second").check()
    expect(tab.page.get_by_text("All done.")).to_be_visible()


def test_a_new_task_is_shown_even_under_the_completed_filter(tab: TasksPage, account: Account) -> None:
    account.make_task("Closed", completed=True)
    tab.log_in(account)
    tab.show("Completed")
    tab.add("Brand new")
    expect(tab.page.get_by_role("radio", name="All")).to_be_checked()
    tab.expect_titles(["Brand new", "Closed"])
    tab.expect_stored()
    tab.expect_titles(["Brand new", "Closed"])


def test_search_runs_while_the_user_types(tab: TasksPage, account: Account) -> None:
    account.make_task("Buy bread", description="from the Bakery")
    account.make_task("Buy milk")
    tab.log_in(account)
    tab.search.press_sequentially("buy bakery", delay=20)
    tab.expect_titles(["Buy bread"])
    tab.search.fill("nowhere to be found")
    expect(tab.page.get_by_text("Nothing found for “nowhere to be found”.")).to_be_visible()
    tab.page.get_by_role("button", name="Clear the search").click()
    expect(tab.row("Buy milk")).to_be_visible()
    expect(tab.search).to_be_focused()


def test_the_response_to_an_older_search_is_ignored(tab: TasksPage, account: Account) -> None:
    account.make_task("Old question")
    account.make_task("New question")
    tab.log_in(account)
    held = HeldRequests(tab, "**/api/tasks?*search=old*")
    over: list[str] = []

    def note(request: Request) -> None:
        if "search=old" in request.url:
            over.append(request.url)

    tab.page.on("requestfinished", note)
    tab.page.on("requestfailed", note)
    tab.search.fill("old")
    held.expect_one()
    tab.search.fill("new")
    tab.expect_titles(["New question"])
    held.release()
    tab.wait_until(lambda: over, "the older search to end")
    tab.page.wait_for_timeout(100)
    assert tab.titles() == ["New question"]


def test_tasks_are_listed_in_the_chosen_order(tab: TasksPage, account: Account) -> None:
    for title, due in (("banana", "2031-01-02"), ("Apple", None), ("cherry", "2031-01-01")):
        account.make_task(title, due_date=due)
    tab.log_in(account)
    for choice, titles in (
        ("Newest first", ["cherry", "Apple", "banana"]),
        ("Oldest first", ["banana", "Apple", "cherry"]),
        ("Title", ["Apple", "banana", "cherry"]),
        ("Due date", ["cherry", "banana", "Apple"]),
    ):
        tab.sort.select_option(choice)
        expect(tab.page.locator(".row-title")).to_have_text(titles)


def test_load_more_shows_every_task_once_while_tasks_are_added(tab: TasksPage, account: Account) -> None:
    titles = [f"Task {number:03}" for number in range(120)]
    for title in titles:
        account.make_task(title)
    tab.log_in(account)
    tab.sort.select_option("Newest first")
    expect(tab.page.locator(".row-title").first).to_have_text("Task 119")
    expect(tab.rows).to_have_count(50)
    # As small as the first page, so that there is a third.
    tab.page.route(
        "**/api/tasks?*limit=200*", lambda route: route.continue_(url=route.request.url.replace("=200", "=50"))
    )
    account.make_task("Added elsewhere")
    tab.add("Added here")
    tab.expect_stored()
    tab.show_more()
    expect(tab.rows).to_have_count(101)
    tab.show_more()
    tab.expect_titles(["Added here", *reversed(titles)])
    expect(tab.load_more).to_be_hidden()


def test_a_task_added_in_this_tab_is_not_listed_twice_by_load_more(tab: TasksPage, account: Account) -> None:
    for number in range(60):
        account.make_task(f"Task {number:02}")
    tab.log_in(account)
    tab.sort.select_option("Oldest first")
    expect(tab.page.locator(".row-title").first).to_have_text("Task 00")
    tab.add("Youngest")
    tab.expect_stored()
    tab.show_more()
    tab.expect_titles(["Youngest", *(f"Task {number:02}" for number in range(60))])


@pytest.mark.parametrize("zone", ["Pacific/Niue", "Europe/Stockholm", "Pacific/Kiritimati"])
def test_a_due_date_is_the_same_date_in_every_time_zone(
    open_tab: Callable[..., TasksPage], account: Account, zone: str
) -> None:
    account.make_task("Name day", due_date="2031-03-01")
    tab = open_tab(timezone_id=zone, locale="en-GB")
    tab.log_in(account)
    expect(tab.row("Name day")).to_contain_text("1 Mar 2031")


def test_a_due_time_set_through_the_api_is_shown_in_local_time_and_survives_an_edit(
    open_tab: Callable[..., TasksPage], account: Account
) -> None:
    made = account.make_task("Night train", due_date="2031-05-04T22:30:15.250+02:00")
    tab = open_tab(timezone_id="Asia/Tokyo", locale="en-GB")
    tab.log_in(account)
    expect(tab.row("Night train")).to_contain_text("5 May 2031, 05:30")
    editor = tab.edit("Night train")
    expect(editor.get_by_label("Due")).to_have_value("2031-05-05T05:30")
    editor.get_by_label("Title").fill("Night train home")
    editor.get_by_role("button", name="Save").click()
    expect(tab.row("Night train home")).to_be_visible()
    tab.expect_stored()
    assert account.tasks()[0]["due_date"] == made["due_date"]

    tab.edit("Night train home").get_by_label("Due").fill("")
    tab.editor.get_by_role("button", name="Save").click()
    tab.expect_stored()
    assert account.tasks()[0]["due_date"] is None


def test_a_deleted_task_is_deleted_for_good_after_the_undo_period(tab: TasksPage, account: Account) -> None:
    account.make_task("For ever")
    tab.page.clock.install()
    tab.log_in(account)
    tab.delete("For ever")
    tab.leave_undo()
    tab.page.clock.run_for(6_000)
    expect(tab.page.get_by_text("Nothing to do.")).to_be_visible()
    tab.wait_until(lambda: account.tasks() == [], "the deletion")


def test_leaving_the_page_sends_a_pending_deletion(tab: TasksPage, account: Account) -> None:
    account.make_task("Left behind")
    tab.log_in(account)
    tab.delete("Left behind")
    assert account.titles() == ["Left behind"]
    tab.page.goto("about:blank")
    tab.wait_until(lambda: account.tasks() == [], "the deletion")


def test_logging_out_sends_a_pending_deletion(tab: TasksPage, account: Account) -> None:
    account.make_task("Left behind")
    tab.log_in(account)
    tab.delete("Left behind")
    tab.log_out()
    tab.wait_until(lambda: account.tasks() == [], "the deletion")

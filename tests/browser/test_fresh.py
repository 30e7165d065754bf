"""The page shows what is true now: after a return, beside other tabs, past midnight, and after each change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from tests.browser.account import Account
from tests.browser.chromium import Page, expect
from tests.browser.tasks_page import TasksPage


def api_calls(page: Page) -> list[str]:
    """The methods and paths of the requests to the tasks from now on."""
    calls: list[str] = []
    page.on("request", lambda request: calls.append(request.method) if "/api/tasks" in request.url else None)
    return calls


def test_a_return_shows_what_other_devices_did_and_keeps_what_is_typed(tab: TasksPage, account: Account) -> None:
    account.make_task("Here before")
    tab.log_in(account)
    editor = tab.edit("Here before").get_by_label("Title")
    editor.fill("Half a change")
    for event in ("focus", "online"):
        account.make_task(f"From the phone, before {event}")
        tab.page.evaluate(f"window.dispatchEvent(new Event('{event}'))")
        expect(tab.row(f"From the phone, before {event}")).to_be_visible()
        expect(tab.editor.get_by_label("Title")).to_have_value("Half a change")
    expect(tab.page.locator("[data-count=pending]")).to_have_text("3")


def test_tabs_are_in_step(tab: TasksPage, account: Account) -> None:
    other = TasksPage(tab.page.context.new_page())
    tab.log_in(account)
    other.log_in(account)
    tab.add("In one tab")
    expect(other.tick("In one tab")).to_be_visible()
    other.tick("In one tab").check()
    expect(tab.page.locator("[data-count=completed]")).to_have_text("1")


def test_due_times_and_midnight_pass_while_one_looks(open_tab: Callable[..., TasksPage], account: Account) -> None:
    account.make_task("Due today", due_date="2031-03-04")
    account.make_task("Due soon", due_date="2031-03-04T22:58:00Z")
    tab = open_tab(timezone_id="UTC", locale="en-GB")
    tab.page.clock.install(time=datetime.fromisoformat("2031-03-04T22:57:00+00:00"))
    tab.log_in(account)
    expect(tab.row("Due soon")).to_contain_text("Today, 22:58")
    tab.page.clock.fast_forward(90_000)
    expect(tab.row("Due soon")).to_contain_text("overdue")
    expect(tab.row("Due today")).not_to_contain_text("overdue")
    tab.page.clock.fast_forward("01:01:30")
    expect(tab.row("Due today")).to_contain_text("Yesterday · overdue")


def test_a_task_moves_when_its_due_date_changes(tab: TasksPage, account: Account) -> None:
    for title, day in (("First", 1), ("Second", 2), ("Third", 3)):
        account.make_task(title, due_date=f"2031-03-0{day}")
    tab.log_in(account)
    tab.sort.select_option("Due date")
    expect(tab.page.locator(".row-title")).to_have_text(["First", "Second", "Third"])
    tab.edit("First").get_by_label("Due").fill("2031-03-05")
    tab.editor.get_by_role("button", name="Save").click()
    expect(tab.page.locator(".row-title")).to_have_text(["Second", "Third", "First"])


def test_the_numbers_are_those_of_the_search_and_a_tick_is_one_request(tab: TasksPage, account: Account) -> None:
    for title in ("Buy milk", "Buy bread", "Call Ada"):
        account.make_task(title)
    tab.log_in(account)
    tab.search.fill("buy")
    expect(tab.page.locator("[data-count=all]")).to_have_text("2")
    calls = api_calls(tab.page)
    tab.tick("Buy milk").click()
    expect(tab.page.locator("[data-count=pending]")).to_have_text("1")
    expect(tab.page.locator("[data-count=completed]")).to_have_text("1")
    tab.page.wait_for_timeout(500)
    assert calls == ["PATCH"]


def test_two_clicks_at_one_place_tick_no_second_task_and_a_tick_can_be_undone(tab: TasksPage, account: Account) -> None:
    account.make_task("Second")
    account.make_task("First")
    now = datetime.fromisoformat("2031-03-04T12:00:00+00:00")
    tab.page.clock.install(time=now)
    tab.log_in(account)
    tab.show("Pending")
    # Leaving the composer closes it, which moves the list.
    tab.page.get_by_role("heading", name="Tasks", exact=True).click()
    expect(tab.page.get_by_label("Description")).to_be_hidden()
    box = tab.tick("First").bounding_box()
    assert box
    place = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.page.clock.pause_at(now + timedelta(hours=1))
    tab.page.mouse.click(*place)
    tab.page.clock.run_for(900)
    assert tab.page.evaluate("([x, y]) => document.elementFromPoint(x, y).ariaLabel", place) == "First"
    tab.expect_stored()
    tab.page.clock.run_for(5000)
    expect(tab.row("First")).to_have_count(0)
    expect(tab.tick("Second")).not_to_be_checked()

    tab.page.get_by_role("button", name="Undo completing First").click()
    expect(tab.tick("First")).not_to_be_checked()
    expect(tab.tick("First")).to_be_focused()
    tab.expect_stored()
    tab.page.clock.run_for(5000)
    expect(tab.row("First")).to_be_visible()

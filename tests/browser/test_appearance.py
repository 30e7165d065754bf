"""Accessibility and layout: axe-core finds no violation and no element overflows, on any screen.

WRITE_SCREENSHOTS=1 pytest tests/browser/test_appearance.py writes the screenshots of the README to docs/images/.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from typing import Literal

import pytest

from tests.browser.account import Account
from tests.browser.chromium import Axe, expect
from tests.browser.tasks_page import TasksPage
from tests.support.processes import PROJECT, Service

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
SCREENS = {"phone": (390, 844), "desktop": (1280, 800)}
IMAGES = PROJECT / "docs" / "images"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_no_violation_logged_out(open_tab: Callable[..., TasksPage], screen: str, scheme: Scheme) -> None:
    tab = _open(open_tab, screen, scheme)
    tab.open()
    _check(tab)
    tab.page.get_by_role("button", name="Create an account").click()
    tab.page.get_by_role("button", name="Create an account").click()
    expect(tab.page.locator("[aria-invalid]").first).to_be_visible()
    _check(tab)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_no_violation_logged_in(
    open_tab: Callable[..., TasksPage], account: Account, screen: str, scheme: Scheme
) -> None:
    tab = _open(open_tab, screen, scheme)
    tab.log_in(account)
    expect(tab.page.get_by_text("Nothing to do.")).to_be_visible()
    _check(tab)
    _fill(account)
    tab.show("All")
    tab.reload()
    expect(tab.rows).to_have_count(6)
    task = account.make_task("Plan the trip", description="word " * 400)
    tab.reload()
    expect(tab.page.get_by_role("heading", name="Overdue")).to_be_visible()
    with tab.page.expect_response(f"**/api/tasks/{task['id']}"):
        tab.edit("Plan the trip").get_by_label("Title").fill("Plan my trip")
    account.call("PATCH", f"/api/tasks/{task['id']}", {"title": "Plan their trip"})
    tab.editor.get_by_role("button", name="Save").click()
    expect(tab.editor.get_by_role("radio", name="Changed elsewhere")).to_be_visible()
    tab.new_task.fill("Call Bob tomorrow")
    expect(tab.page.get_by_role("button", name="Due Tomorrow")).to_be_visible()
    tab.search.focus()
    _check(tab)
    tab.editor.get_by_role("button", name="Cancel").click()
    expect(tab.page.get_by_role("button", name="Show all")).to_be_visible()
    tab.page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(tab.page.get_by_role("dialog")).to_be_visible()
    _check(tab)
    tab.page.keyboard.press("Escape")

    tab.add("x" * 501)
    expect(tab.editor.locator("[aria-invalid]")).to_be_visible()
    tab.delete("Call the dentist back")
    tab.page.context.set_offline(True)
    tab.tick("Water the lemon tree").check()
    expect(tab.banner).to_be_visible()
    _check(tab)
    tab.page.context.set_offline(False)
    tab.expect_stored()


@pytest.mark.parametrize("width", [320, 390, 768, 896, 1280, 1920])
def test_no_element_overflows_at_any_width(open_tab: Callable[..., TasksPage], account: Account, width: int) -> None:
    account.make_task("W" * 400, description="https://example.com/" + "path/" * 60)
    tab = open_tab(viewport={"width": width, "height": 800})
    tab.open()
    _expect_no_sideways_scroll(tab)
    tab.log_in_again(account)
    expect(tab.rows).to_have_count(1)
    _expect_no_sideways_scroll(tab)
    tab.rows.get_by_role("button", name="Edit").click()
    _expect_no_sideways_scroll(tab)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("screen", SCREENS)
def test_the_screenshots_show_a_day_of_tasks(
    open_tab: Callable[..., TasksPage], service: Service, screen: str, scheme: Scheme
) -> None:
    account = Account(service, name="Mara Lindqvist")
    _fill(account)
    tab = _open(open_tab, screen, scheme)
    # What is due in the evening is not overdue yet.
    tab.page.clock.install(time=datetime.combine(datetime.now(timezone.utc).date(), time(12), timezone.utc))
    tab.log_in(account)
    expect(tab.rows).to_have_count(4)
    expect(tab.page.locator("[data-count=completed]")).to_have_text("2")
    tab.page.get_by_role("heading", name="Tasks", exact=True).click()
    expect(tab.page.get_by_label("Description")).to_be_hidden()
    if os.environ.get("WRITE_SCREENSHOTS"):
        IMAGES.mkdir(parents=True, exist_ok=True)
        tab.page.screenshot(path=IMAGES / f"page-{screen}-{scheme}.png", animations="disabled")


def _open(open_tab: Callable[..., TasksPage], screen: str, scheme: Scheme) -> TasksPage:
    width, height = SCREENS[screen]
    return open_tab(
        viewport={"width": width, "height": height},
        has_touch=screen == "phone",
        color_scheme=scheme,
        reduced_motion="reduce",
        timezone_id="UTC",
        locale="en-GB",
    )


def _fill(account: Account) -> None:
    today = datetime.now(timezone.utc).date()

    def day(distance: int) -> date:
        return today + timedelta(days=distance)

    afternoon = datetime.combine(today, time(23, 30), timezone.utc).isoformat()
    outline = "Three parts: why, how, hands-on.\nLeave half of the time for questions."
    account.make_task("Renew the passport", completed=True)
    account.make_task(
        "Book the ferry to Gotland",
        description="Cabin for two, bicycles on deck. Ask about the early crossing.",
        due_date=day(6).isoformat(),
    )
    account.make_task("Order prints of the summer photos", completed=True)
    account.make_task("Call the dentist back", due_date=day(-2).isoformat())
    account.make_task("Send the workshop outline", description=outline, due_date=afternoon)
    account.make_task("Water the lemon tree", due_date=day(1).isoformat())


def _check(tab: TasksPage) -> None:
    tab.page.wait_for_function("() => document.getAnimations().every(({playState}) => playState !== 'running')")
    results = Axe().run(tab.page)
    assert results.violations_count == 0, results.generate_report()


def _expect_no_sideways_scroll(tab: TasksPage) -> None:
    root = "document.documentElement"
    assert tab.page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")

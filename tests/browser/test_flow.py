"""The flow of a new user, with the mouse and with the keyboard alone; each step is timed."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.browser.account import PASSWORD
from tests.browser.chromium import Locator, expect
from tests.browser.tasks_page import TasksPage

WISHES = {"create": 10.0, "list": 1.0, "update": 5.0, "toggle": 2.0, "delete": 3.0}
"""Seconds that the specification allows for a user's action; printed beside the measured time."""

DEADLINE = 30.0
"""Seconds after which a step counts as failed, also on a busy machine."""


class Stopwatch:
    """Measures steps, prints their times beside the specified ones, and fails a step that takes far too long."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    @contextmanager
    def measure(self, step: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        took = time.monotonic() - started
        # In a parallel run only standard error of a test process reaches the terminal.
        with self._capture.disabled():
            print(f"\n  {step:<7}{took:6.2f} s of {WISHES[step]:.0f} s", end="", file=sys.stderr)
        assert took <= DEADLINE, step


def test_a_new_user_creates_views_edits_completes_deletes_and_undoes(
    tab: TasksPage, capsys: pytest.CaptureFixture[str]
) -> None:
    watch = Stopwatch(capsys)
    tab.open()
    tab.register(f"{uuid.uuid4().hex[:12]}@example.com")
    expect(tab.page.get_by_text("Nothing to do.")).to_be_visible()
    tab.show("All")

    with watch.measure("create"):
        tab.add("Book the ferry", description="Cabin for two", due="2031-05-17")
        expect(tab.row("Book the ferry")).to_be_visible()
        tab.expect_stored()
    with watch.measure("list"):
        tab.reload()
        row = tab.row("Book the ferry")
        expect(row).to_contain_text("Cabin for two")
    expect(row).to_contain_text("17")
    expect(row).to_contain_text("2031")

    with watch.measure("update"):
        editor = tab.edit("Book the ferry")
        editor.get_by_label("Title").fill("Book the night ferry")
        editor.get_by_role("button", name="Save").click()
        expect(tab.row("Book the night ferry")).to_be_visible()
        tab.expect_stored()
    with watch.measure("toggle"):
        tab.tick("Book the night ferry").check()
        tab.expect_stored()
    expect(tab.page.locator("[data-count=completed]")).to_have_text("1")
    tab.tick("Book the night ferry").uncheck()
    tab.expect_stored()

    with watch.measure("delete"):
        tab.delete("Book the night ferry")
        expect(tab.page.get_by_text("Book the night ferry", exact=True)).to_be_hidden()
    tab.undo("Book the night ferry")
    expect(tab.tick("Book the night ferry")).to_be_visible()
    tab.reload()
    expect(tab.row("Book the night ferry")).to_contain_text("Cabin for two")
    expect(tab.tick("Book the night ferry")).not_to_be_checked()

    tab.log_out()
    expect(tab.page.get_by_text("Book the night ferry")).to_have_count(0)


def test_everything_can_be_done_with_the_keyboard_alone(open_tab: Callable[..., TasksPage]) -> None:
    tab = open_tab(reduced_motion="reduce")
    tab.page.clock.install()
    press, write = tab.page.keyboard.press, tab.page.keyboard.type
    tab.open()
    _tab_to(tab, tab.page.get_by_role("button", name="Create an account"))
    press("Enter")
    write(f"{uuid.uuid4().hex[:12]}@example.com")
    press("Tab")
    write(PASSWORD)
    press("Enter")

    expect(tab.new_task).to_be_focused()
    _tab_to(tab, tab.page.get_by_role("radio", name="Pending"))
    press("ArrowRight")
    expect(tab.page.get_by_role("radio", name="All")).to_be_checked()
    press("n")
    expect(tab.new_task).to_be_focused()
    write("Call the dentist")
    press("Enter")
    expect(tab.new_task).to_be_focused()
    write("Water the lemon tree")
    press("Tab")
    write("Not too much")
    press("Control+Enter")
    expect(tab.row("Water the lemon tree")).to_contain_text("Not too much")
    tab.expect_stored()

    _tab_to(tab, tab.tick("Water the lemon tree"))
    press("Space")
    expect(tab.tick("Water the lemon tree")).to_be_checked()
    _tab_to(tab, tab.page.get_by_role("button", name="Edit Water the lemon tree"))
    press("Enter")
    expect(tab.editor.get_by_label("Title")).to_be_focused()
    write(" again")
    press("Enter")
    expect(tab.page.get_by_role("button", name="Edit Water the lemon tree again")).to_be_focused()
    press("Enter")
    write(" and again")
    press("Escape")
    expect(tab.page.get_by_role("button", name="Edit Water the lemon tree again")).to_be_focused()

    press("Tab")
    press("Enter")
    expect(tab.page.get_by_role("button", name="Undo deleting Water the lemon tree again")).to_be_focused()
    press("Enter")
    expect(tab.page.get_by_role("button", name="Delete Water the lemon tree again")).to_be_focused()
    press("Enter")
    expect(tab.page.get_by_role("button", name="Undo deleting Water the lemon tree again")).to_be_focused()
    for key in ("Shift+Tab", "Tab", "Tab"):
        press(key)
    tab.page.clock.run_for(6_000)
    expect(tab.page.get_by_role("button", name="Undo deleting Water the lemon tree again")).to_have_count(0)
    tab.expect_titles(["Call the dentist"])


def _tab_to(tab: TasksPage, target: Locator) -> None:
    for _ in range(30):
        if target.evaluate("element => element === document.activeElement"):
            return
        tab.page.keyboard.press("Tab")
    raise AssertionError(f"not reached with the Tab key: {target}")

"""What axe cannot see: time limits, large text, small screens, the keyboard's way, and what a screen reader is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from tests.browser.account import Account
from tests.browser.chromium import expect
from tests.browser.tasks_page import TasksPage

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "reduced_motion": "reduce"}

WATCH_SHIFTS = """
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput } of list.getEntries()) {
    if (!hadRecentInput) window.shifted = (window.shifted ?? 0) + value;
  }
}).observe({ type: "layout-shift", buffered: true });
"""

STOP = """
() => {
  const element = document.activeElement;
  const shown = element.matches("input[type=radio]") ? element.closest("label") : element;
  const { left, top, width, height } = shown.getBoundingClientRect();
  const at = document.elementFromPoint(left + width / 2, top + height / 2);
  const isOutlined = (each) => each !== null && getComputedStyle(each).outlineStyle !== "none";
  return {
    name: element.getAttribute("aria-label") ?? (element.id || element.name || element.textContent),
    isBody: element === document.body,
    isLargeEnough: (width >= 24 && height >= 24) || element.matches("p a"),
    isVisible: [element, shown, element.closest("form")].some(isOutlined),
    isOnTop: shown.contains(at) || at?.closest("label")?.control === element,
  };
}
"""


def yesterday() -> str:
    return (datetime.now(timezone.utc).date() - timedelta(days=2)).isoformat()


def test_an_undo_waits_while_focus_or_pointer_is_on_it(tab: TasksPage, account: Account) -> None:
    account.make_task("First")
    account.make_task("Second")
    tab.page.clock.install()
    tab.log_in(account)
    tab.page.get_by_role("button", name="Delete First", exact=True).focus()
    tab.page.keyboard.press("Enter")
    undo = tab.page.get_by_role("button", name="Undo deleting First")
    expect(undo).to_be_focused()
    tab.page.clock.run_for(60_000)
    expect(undo).to_be_focused()
    undo.hover()
    tab.page.keyboard.press("Tab")
    tab.page.clock.run_for(60_000)
    undo.click()
    expect(tab.tick("First")).to_be_visible()
    assert sorted(account.titles()) == ["First", "Second"]

    with tab.page.expect_response(lambda response: response.request.method == "DELETE"):
        tab.delete("First")
        tab.leave_undo()
        tab.page.clock.run_for(6_000)
    assert account.titles() == ["Second"]


def test_text_of_double_size_fits_a_phone(open_tab: Callable[..., TasksPage], account: Account) -> None:
    account.make_task("Renew the passport before the long journey", due_date=yesterday(), description="Photographs")
    account.make_task("W" * 60)
    tab = open_tab(**PHONE)
    tab.open()
    enlarge = "document.documentElement.style.fontSize = '200%'"
    tab.page.evaluate(enlarge)
    expect_no_sideways_scroll(tab)
    tab.log_in_again(account)
    expect(tab.rows).to_have_count(2)
    expect_no_sideways_scroll(tab)
    tab.new_task.fill("Call Bob in 3 days")
    expect(tab.page.locator("#due-chip")).to_be_visible()
    tab.edit("W" * 60)
    expect_no_sideways_scroll(tab)
    tab.delete("Renew the passport before the long journey")
    tab.page.context.set_offline(True)
    tab.editor.get_by_role("button", name="Save").click()
    expect_no_sideways_scroll(tab)
    tab.page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(tab.page.get_by_role("dialog")).to_be_visible()
    expect_no_sideways_scroll(tab)
    tab.page.context.set_offline(False)


def test_what_is_seen_is_also_said(open_tab: Callable[..., TasksPage], account: Account) -> None:
    account.make_task("Late", due_date=yesterday())
    account.make_task("No hurry")
    tab = open_tab(**PHONE)
    tab.open()
    tab.page.evaluate(
        "window.said = [];"
        "const region = document.getElementById('polite');"
        "new MutationObserver(() => said.push(region.textContent)).observe(region, { childList: true })"
    )
    expect(tab.page.get_by_role("link", name="API reference")).to_be_visible()
    tab.log_in_again(account)
    expect(tab.row("Late").locator("time")).to_contain_text("overdue")
    expect(tab.tick("Late")).to_have_accessible_description("Due " + tab.row("Late").locator("time").inner_text())
    expect(tab.tick("No hurry")).to_have_accessible_description("")
    tab.page.wait_for_function("() => said.includes('2 tasks.')")
    assert any(text.startswith("Loading") for text in tab.page.evaluate("said"))
    expect(tab.page.get_by_role("link", name="API reference")).to_be_visible()


def test_the_log_in_stands_level_with_the_day_on_a_wide_screen(open_tab: Callable[..., TasksPage]) -> None:
    tab = open_tab(viewport={"width": 1280, "height": 800})
    tab.open()
    heading = tab.page.get_by_role("heading", name="Log in").bounding_box()
    day = tab.page.locator("#weekday").bounding_box()
    assert heading is not None
    assert day is not None
    assert abs(heading["y"] - day["y"]) < 40


def test_nothing_jumps_while_the_page_loads_on_a_phone(open_tab: Callable[..., TasksPage], account: Account) -> None:
    for number in range(12):
        account.make_task(f"Task {number}", description="Words", due_date=yesterday() if number % 2 else None)
    tab = open_tab(viewport={"width": 390, "height": 844}, has_touch=True, device_scale_factor=2)
    tab.page.add_init_script(WATCH_SHIFTS)
    tab.open()
    expect(tab.page.get_by_role("heading", name="Log in")).to_be_visible()
    signed_out = tab.page.evaluate("window.shifted ?? 0")
    tab.log_in_again(account)
    expect(tab.rows).to_have_count(12)
    tab.reload()
    expect(tab.rows).to_have_count(12)
    expect(tab.page.locator("[data-count=pending]")).to_have_text("12")
    tab.page.wait_for_load_state("networkidle")
    signed_in = tab.page.evaluate("window.shifted ?? 0")
    assert signed_out <= 0.05
    assert signed_in <= 0.05


def test_every_stop_of_the_tab_key_is_seen_and_large_enough(
    open_tab: Callable[..., TasksPage], account: Account
) -> None:
    account.make_task("See https://example.com/ first", description="word " * 400, due_date=yesterday())
    account.make_task("No hurry")
    tab = open_tab(**PHONE)
    tab.log_in(account)
    expect(tab.rows).to_have_count(2)
    tab.edit("No hurry")
    tab.page.locator(".skip-link").focus()
    seen = set()
    for _ in range(60):
        tab.page.keyboard.press("Tab")
        stop = tab.page.evaluate(STOP)
        if stop["isBody"]:
            break
        seen.add(stop["name"])
        assert stop["isLargeEnough"], stop
        assert stop["isVisible"], stop
        assert stop["isOnTop"], stop
    assert len(seen) >= 15, seen


def expect_no_sideways_scroll(tab: TasksPage) -> None:
    root = "document.documentElement"
    widths = tab.page.evaluate(f"[{root}.scrollWidth, {root}.clientWidth]")
    assert widths[0] <= widths[1], widths

"""What makes the page quick: pasted lists, words for dates, shortcuts; and what keeps each from surprising."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from tests.browser.account import Account
from tests.browser.chromium import Route, expect
from tests.browser.tasks_page import TasksPage


def test_pasted_lines_become_tasks_that_one_undo_takes_back(tab: TasksPage, account: Account) -> None:
    account.make_task("Before")
    tab.log_in(account)
    tab.paste("- Milk\n\n  * Bread  \r\n3. Call Bob tomorrow\n")
    bar = tab.page.locator("#undo-bar")
    expect(bar).to_contain_text("Added 3 tasks.")
    tab.expect_stored()
    assert sorted(account.titles()) == ["Before", "Bread", "Call Bob tomorrow", "Milk"]
    assert [task["due_date"] for task in account.tasks()] == [None] * 4
    titles = tab.titles()
    assert titles.index("Milk") < titles.index("Bread") < titles.index("Call Bob tomorrow")
    expect(tab.new_task).to_have_value("")

    bar.get_by_role("button", name="Undo").click()
    expect(bar).to_be_hidden()
    expect(tab.rows).to_have_count(1)
    tab.page.wait_for_function("async () => (await new Promise(requestAnimationFrame), true)")
    tab.page.reload()
    expect(tab.row("Before")).to_be_visible()
    tab.wait_until(lambda: account.titles() == ["Before"], "the deletions that the page sent when it was left")


def test_one_line_is_pasted_as_text_and_too_many_lines_are_refused(tab: TasksPage, account: Account) -> None:
    tab.log_in(account)
    tab.paste("Just one line\n")
    expect(tab.new_task).to_have_value(re.compile(r"^Just one line\s*$"))
    tab.new_task.fill("")
    tab.paste("\n".join(f"Line {number}" for number in range(101)))
    expect(tab.page.get_by_role("form", name="Add a task")).to_contain_text("101 lines")
    expect(tab.new_task).to_have_attribute("aria-invalid", "true")
    assert account.tasks() == []


def test_words_for_a_date_are_shown_before_they_are_taken(tab: TasksPage, account: Account) -> None:
    tab.log_in(account)
    today = datetime.now(timezone.utc).date()
    chip = tab.page.locator("#due-chip")
    tab.new_task.press_sequentially("  Call Bob in 3 days")
    expect(chip).to_be_visible()
    expect(tab.page.get_by_role("status")).to_contain_text("Due ")
    tab.new_task.press("Enter")
    expect(tab.row("Call Bob")).to_be_visible()
    expect(chip).to_be_hidden()
    tab.expect_stored()
    [task] = account.tasks()
    assert task["title"] == "Call Bob"
    # The browser's day may be one ahead of this machine's, or midnight may have passed.
    assert task["due_date"] in {str(today + timedelta(days=distance)) for distance in (2, 3, 4)}

    tab.new_task.fill("Watch the film tomorrow")
    tab.page.get_by_role("button", name="Due Tomorrow").click()
    expect(chip).to_be_hidden()
    expect(tab.new_task).to_be_focused()
    tab.new_task.press("Enter")
    expect(tab.row("Watch the film tomorrow")).to_be_visible()
    tab.expect_stored()
    assert account.tasks()[0]["due_date"] is None

    tab.new_task.fill("Read it today")
    tab.page.get_by_role("form", name="Add a task").get_by_label("Due optional").fill("2031-05-17")
    expect(chip).to_be_hidden()
    tab.new_task.press("Enter")
    tab.expect_stored()
    assert [(task["title"], task["due_date"]) for task in account.tasks()[:1]] == [("Read it today", "2031-05-17")]


def test_words_for_dates_work_after_a_failure_to_load_what_knows_them(tab: TasksPage, account: Account) -> None:
    failures: list[str] = []

    def fail(route: Route) -> None:
        failures.append(route.request.url)
        route.abort()

    tab.page.route("**/due-words.js", fail)
    tab.log_in(account)
    tab.new_task.fill("Buy milk tomorrow")
    tab.wait_until(lambda: bool(failures), "the request for the words")
    tab.page.unroute("**/due-words.js", fail)
    tab.new_task.fill("Buy bread tomorrow")
    expect(tab.page.locator("#due-chip")).to_be_visible()


def test_enter_twice_is_no_error_and_titles_are_trimmed(tab: TasksPage, account: Account) -> None:
    tab.log_in(account)
    tab.new_task.fill("  Milk ")
    tab.new_task.press("Enter")
    tab.new_task.press("Enter")
    expect(tab.row("Milk")).to_be_visible()
    expect(tab.page.locator("[aria-invalid]")).to_have_count(0)
    tab.edit("Milk").get_by_label("Title").fill("  Oat milk  ")
    tab.editor.get_by_role("button", name="Save").click()
    expect(tab.row("Oat milk")).to_be_visible()
    tab.expect_stored()
    assert account.titles() == ["Oat milk"]
    tab.add(" ", description="Words without a title")
    expect(tab.new_task).to_have_attribute("aria-invalid", "true")


def test_single_keys_work_until_they_are_switched_off(tab: TasksPage, account: Account) -> None:
    account.make_task("First")
    account.make_task("Second")
    tab.log_in(account)
    tab.show("All")
    expect(tab.rows).to_have_count(2)
    press = tab.page.keyboard.press
    press("j")
    expect(tab.tick("First")).to_be_focused()
    press("j")
    expect(tab.tick("Second")).to_be_focused()
    press("Control+x")
    press("Alt+x")
    expect(tab.tick("Second")).not_to_be_checked()
    press("k")
    press("x")
    expect(tab.tick("First")).to_be_checked()
    tab.expect_stored()
    press("e")
    expect(tab.editor.get_by_label("Title")).to_be_focused()
    press("x")
    expect(tab.editor.get_by_label("Title")).to_have_value("Firstx")
    tab.editor.get_by_role("button", name="Cancel").click()
    press("/")
    expect(tab.search).to_be_focused()
    press("n")
    expect(tab.search).to_have_value("n")
    tab.search.fill("")
    # The search runs when the typing pauses.
    expect(tab.page).to_have_url(re.compile(r"\?show=all$"))
    tab.leave_undo()
    press("n")
    expect(tab.new_task).to_be_focused()
    expect(tab.new_task).to_have_value("")

    tab.leave_undo()
    press("?")
    dialog = tab.page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    press("n")
    expect(tab.new_task).not_to_be_focused()
    dialog.get_by_role("checkbox").uncheck()
    press("Escape")
    expect(dialog).to_be_hidden()
    press("n")
    expect(tab.new_task).not_to_be_focused()
    tab.reload()
    expect(tab.rows).to_have_count(2)
    press("?")
    expect(dialog).to_be_hidden()
    tab.page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(dialog.get_by_role("checkbox")).not_to_be_checked()


def test_a_long_description_is_folded_and_links_are_clickable(tab: TasksPage, account: Account) -> None:
    words = "https://example.com/a?b=c and javascript:alert(1) " + "word " * 1900
    account.make_task("See http://example.com/title", description=words)
    tab.log_in(account)
    description = tab.page.locator(".row-description")
    expect(description).to_be_visible()
    assert len(description.inner_text()) < 400
    button = tab.page.get_by_role("button", name="Show all")
    expect(button).to_have_attribute("aria-expanded", "false")
    button.click()
    assert len(description.inner_text()) > 9000
    tab.page.get_by_role("button", name="Show less").click()
    assert len(description.inner_text()) < 400

    links = tab.page.locator(".row a")
    hrefs = [link.get_attribute("href") for link in links.all()]
    assert hrefs == ["http://example.com/title", "https://example.com/a?b=c"]
    for link in links.all():
        assert "noopener" in (link.get_attribute("rel") or "")
    links.first.evaluate("link => link.addEventListener('click', (event) => event.preventDefault())")
    links.first.click()
    expect(tab.editor).to_have_count(0)

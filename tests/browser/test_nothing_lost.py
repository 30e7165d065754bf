"""Nothing that a person has typed is lost: not by a reload, a closed tab, Escape, an outage or a change elsewhere."""

from __future__ import annotations

from tests.browser.account import Account
from tests.browser.chromium import Request, Route, expect
from tests.browser.held import HeldRequests
from tests.browser.tasks_page import TasksPage


def test_drafts_survive_a_reload(tab: TasksPage, account: Account) -> None:
    account.make_task("Old words")
    tab.log_in(account)
    tab.add("x" * 501, description="Refused, and the only copy")
    expect(tab.editor.locator("[aria-invalid]")).to_be_visible()
    tab.edit("Old words").last.get_by_label("Title").fill("New words")
    tab.new_task.fill("Half a thought")

    tab.page.reload()
    expect(tab.new_task).to_have_value("Half a thought")
    expect(tab.editor).to_have_count(2)
    expect(tab.editor.first.get_by_label("Description")).to_have_value("Refused, and the only copy")
    expect(tab.editor.last.get_by_label("Title")).to_have_value("New words")
    tab.editor.last.get_by_role("button", name="Save").click()
    tab.expect_stored()
    assert account.titles() == ["New words"]
    tab.editor.get_by_role("button", name="Cancel").click()
    tab.reload()
    expect(tab.row("New words")).to_be_visible()
    expect(tab.editor).to_have_count(0)


def test_what_waits_offline_survives_the_loss_of_its_tab(tab: TasksPage, account: Account) -> None:
    tab.log_in(account)
    tab.page.context.set_offline(True)
    tab.add("On the train")
    expect(tab.banner).to_contain_text("You are offline")
    tab.page.close()
    tab.page.context.set_offline(False)
    assert account.titles() == []

    next_tab = TasksPage(tab.page.context.new_page())
    next_tab.log_in(account)
    expect(next_tab.tick("On the train")).to_be_visible()
    next_tab.expect_stored()
    assert account.titles() == ["On the train"]


def test_a_log_out_leaves_nothing_on_the_device(tab: TasksPage, account: Account) -> None:
    tab.log_in(account)
    tab.new_task.fill("A secret")
    tab.page.wait_for_function("() => JSON.stringify(localStorage).includes('A secret')")
    tab.log_out()
    assert "secret" not in tab.page.evaluate("JSON.stringify([localStorage, sessionStorage])")
    tab.log_in_again(account)
    expect(tab.new_task).to_have_value("")


def test_escape_keeps_the_text_as_a_draft(tab: TasksPage, account: Account) -> None:
    account.make_task("Short")
    tab.log_in(account)
    title = tab.edit("Short").get_by_label("Title")
    title.fill("Two hundred characters")
    title.dispatch_event("keydown", {"key": "Escape", "isComposing": True})
    expect(title).to_have_value("Two hundred characters")
    title.press("Escape")
    expect(tab.editor).to_have_count(0)
    expect(tab.row("Short").get_by_text("Not saved yet")).to_be_visible()

    tab.reload()
    expect(tab.row("Short").get_by_text("Not saved yet")).to_be_visible()
    expect(tab.edit("Short").get_by_label("Title")).to_have_value("Two hundred characters")
    tab.editor.get_by_role("button", name="Cancel").click()
    expect(tab.tick("Short")).to_be_visible()
    expect(tab.row("Short").get_by_text("Not saved yet")).to_be_hidden()


def test_a_change_of_the_same_field_elsewhere_is_shown_beside_ones_own(tab: TasksPage, account: Account) -> None:
    task = account.make_task("Paint the fence")
    tab.log_in(account)
    with tab.page.expect_response(f"**/api/tasks/{task['id']}"):
        tab.edit("Paint the fence").get_by_label("Title").fill("Mine")
    account.call("PATCH", f"/api/tasks/{task['id']}", {"title": "Theirs"})
    tab.editor.get_by_role("button", name="Save").click()
    expect(tab.editor.get_by_role("group", name="Which title do you want to keep?")).to_contain_text("Theirs")
    expect(tab.editor.get_by_label("Title")).to_have_value("Mine")
    assert account.titles() == ["Theirs"]
    tab.editor.get_by_role("radio", name="Changed elsewhere").check()
    expect(tab.editor.get_by_label("Title")).to_have_value("Theirs")
    tab.editor.get_by_role("button", name="Save").click()
    expect(tab.row("Theirs")).to_be_visible()
    tab.expect_stored()
    assert account.titles() == ["Theirs"]


def test_an_edit_saved_before_the_version_has_come_waits_for_it(tab: TasksPage, account: Account) -> None:
    task = account.make_task("Paint the fence")
    tab.log_in(account)
    expect(tab.row("Paint the fence")).to_be_visible()
    account.call("PATCH", f"/api/tasks/{task['id']}", {"title": "From the phone"})
    held = HeldRequests(tab, f"**/api/tasks/{task['id']}")
    tags: list[str | None] = []

    def note(request: Request) -> None:
        if request.method == "PATCH":
            tags.append(request.headers.get("if-match"))

    tab.page.on("request", note)
    tab.edit("Paint the fence").get_by_label("Title").fill("Mine")
    tab.editor.get_by_role("button", name="Save").click()
    expect(tab.row("Mine").get_by_text("Saving…")).to_be_visible()
    held.release()
    expect(tab.editor.get_by_role("group", name="Which title do you want to keep?")).to_contain_text("From the phone")
    assert account.titles() == ["From the phone"]
    tab.editor.get_by_role("button", name="Save").click()
    tab.expect_stored()
    assert account.titles() == ["Mine"]
    assert tags
    assert all(tags)


def test_a_proxy_without_a_response_is_no_reason_to_give_up(tab: TasksPage, account: Account) -> None:
    account.make_task("Patience")
    tab.log_in(account)
    tab.show("All")
    statuses = [502, 504]
    responded: list[int] = []

    def respond(route: Route) -> None:
        responded.append(statuses[len(responded) % 2])
        route.fulfill(status=responded[-1], body="<html>")

    tab.page.route("**/complete", respond)
    tab.tick("Patience").click()
    tab.wait_until(lambda: len(responded) >= 2, "both responses")
    expect(tab.row("Patience").get_by_text("Saving…")).to_be_visible()
    tab.page.unroute("**/complete")
    tab.expect_stored()
    expect(tab.tick("Patience")).to_be_checked()
    assert [task["completed"] for task in account.tasks()] == [True]

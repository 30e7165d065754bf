"""The page on a 4xx response: it keeps the typed text and shows the service's message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.browser.account import PASSWORD, Account
from tests.browser.chromium import Route, expect
from tests.browser.tasks_page import TasksPage
from tests.support.processes import Service
from tests.support.signing import token_for


def test_the_services_field_errors_are_shown_at_their_fields(tab: TasksPage) -> None:
    tab.open()
    tab.page.get_by_role("button", name="Create an account").click()
    form = tab.page.locator("#account-form")
    form.get_by_label("E-mail").fill("not an address")
    form.get_by_label("Password").fill("short")
    form.get_by_role("button", name="Create an account").click()
    for label in ("E-mail", "Password"):
        field = form.get_by_label(label)
        expect(field).to_have_attribute("aria-invalid", "true")
        description = field.get_attribute("aria-describedby")
        expect(tab.page.locator(f"#{description}")).not_to_be_empty()
    expect(form.get_by_label("E-mail")).to_be_focused()
    expect(form.get_by_label("E-mail")).to_have_value("not an address")


def test_a_wrong_password_is_reported(tab: TasksPage, account: Account) -> None:
    tab.open()
    form = tab.page.locator("#account-form")
    form.get_by_label("E-mail").fill(account.email)
    form.get_by_label("Password").fill(PASSWORD + "x")
    form.get_by_role("button", name="Log in").click()
    expect(form.get_by_text("E-mail or password is wrong")).to_be_visible()


def test_a_rejected_new_task_returns_to_the_editor(tab: TasksPage, account: Account) -> None:
    tab.log_in(account)
    tab.add("x" * 501, description="Keep me")
    expect(tab.editor.get_by_label("Title")).to_have_attribute("aria-invalid", "true")
    expect(tab.editor).to_contain_text("500")
    assert account.tasks() == []

    tab.editor.get_by_label("Title").fill("Short enough")
    tab.editor.get_by_role("button", name="Save").click()
    expect(tab.row("Short enough")).to_be_visible()
    tab.expect_stored()
    assert [(task["title"], task["description"]) for task in account.tasks()] == [("Short enough", "Keep me")]


def test_a_rejected_edit_is_undone_and_its_text_stays_in_the_editor(tab: TasksPage, account: Account) -> None:
    account.make_task("As it was")
    tab.log_in(account)
    tab.edit("As it was").get_by_label("Title").fill("y" * 501)
    tab.editor.get_by_role("button", name="Save").click()
    expect(tab.editor.get_by_label("Title")).to_have_value("y" * 501)
    expect(tab.editor).to_contain_text("500")
    tab.page.keyboard.press("Escape")
    expect(tab.row("As it was")).to_be_visible()


def test_a_rejected_list_request_shows_the_reason(tab: TasksPage, account: Account) -> None:
    account.make_task("Still here")
    tab.log_in(account)
    tab.search.fill("\0")
    expect(tab.page.locator("#list-error")).to_be_visible()
    expect(tab.page.locator("#list-error-message")).not_to_be_empty()
    tab.search.fill("here")
    expect(tab.page.locator("#list-error")).to_be_hidden()
    expect(tab.row("Still here")).to_be_visible()


def test_an_edit_of_a_task_changed_elsewhere_shows_its_newest_version(tab: TasksPage, account: Account) -> None:
    task = account.make_task("Paint the fence", description="Green")
    tab.log_in(account)
    with tab.page.expect_response(f"**/api/tasks/{task['id']}"):
        editor = tab.edit("Paint the fence")
    account.call("PATCH", f"/api/tasks/{task['id']}", {"description": "Blue"})

    editor.get_by_label("Title").fill("Paint the garden fence")
    editor.get_by_role("button", name="Save").click()
    expect(tab.editor).to_contain_text("changed elsewhere")
    expect(tab.editor.get_by_label("Description")).to_have_value("Blue")
    expect(tab.editor.get_by_label("Title")).to_have_value("Paint the garden fence")

    tab.editor.get_by_role("button", name="Save").click()
    expect(tab.row("Paint the garden fence")).to_contain_text("Blue")
    tab.expect_stored()
    [stored] = account.tasks()
    assert (stored["title"], stored["description"]) == ("Paint the garden fence", "Blue")


def test_completing_a_task_deleted_elsewhere_removes_it(tab: TasksPage, account: Account) -> None:
    task = account.make_task("Gone already")
    tab.log_in(account)
    expect(tab.row("Gone already")).to_be_visible()
    account.call("DELETE", f"/api/tasks/{task['id']}")
    tab.tick("Gone already").click()
    expect(tab.row("Gone already")).to_have_count(0)


def test_text_typed_for_a_task_deleted_elsewhere_can_be_saved_as_a_new_task(tab: TasksPage, account: Account) -> None:
    task = account.make_task("Old words", description="Details", completed=True)
    tab.log_in(account)
    tab.show("All")
    editor = tab.edit("Old words")
    account.call("DELETE", f"/api/tasks/{task['id']}")
    editor.get_by_label("Title").fill("New words")
    editor.get_by_role("button", name="Save").click()
    expect(tab.editor).to_contain_text("deleted elsewhere")
    tab.editor.get_by_role("button", name="Save").click()
    expect(tab.row("New words")).to_be_visible()
    tab.expect_stored()
    [stored] = account.tasks()
    assert (stored["title"], stored["description"], stored["completed"]) == ("New words", "Details", True)


def test_an_expired_session_asks_to_log_in_and_then_stores_what_was_typed(tab: TasksPage, account: Account) -> None:
    tab.log_in(account)
    with _expired_token(tab):
        tab.add("Written too late")
        expect(tab.page.get_by_role("heading", name="Log in")).to_be_visible()
        expect(tab.page.get_by_text("what you typed is kept").first).to_be_visible()

    tab.log_in_again(account)
    expect(tab.tick("Written too late")).to_be_visible()
    tab.expect_stored()
    assert account.titles() == ["Written too late"]


def test_after_an_expired_session_another_user_sees_nothing_of_the_first(
    tab: TasksPage, account: Account, service: Service
) -> None:
    tab.log_in(account)
    tab.add("Private")
    tab.expect_stored()
    with _expired_token(tab):
        tab.tick("Private").click()
        expect(tab.page.get_by_role("heading", name="Log in")).to_be_visible()
    tab.log_in_again(Account(service))
    expect(tab.page.get_by_text("Nothing to do.")).to_be_visible()
    assert "Private" not in tab.page.content()


def test_a_service_without_accounts_asks_for_a_token(
    start_service: Callable[..., Service], open_tab: Callable[..., TasksPage]
) -> None:
    tab = open_tab(on=start_service(LOCAL_ACCOUNTS="off"))
    tab.open()
    field = tab.page.get_by_label("Token", exact=True)
    field.fill("three words only")
    tab.page.get_by_role("button", name="Continue").click()
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill(f"Bearer {token_for('ada')}")
    tab.page.get_by_role("button", name="Continue").click()
    tab.add("With a token from elsewhere")
    tab.expect_stored()
    expect(tab.tick("With a token from elsewhere")).to_be_visible()


@contextmanager
def _expired_token(tab: TasksPage) -> Iterator[None]:
    """Within this block the service gets an expired token of the person who is logged in."""
    user_id = tab.page.evaluate("JSON.parse(sessionStorage.getItem('tasks.session')).user.id")
    expired = {"authorization": f"Bearer {token_for(user_id, exp=1)}"}

    def age(route: Route) -> None:
        route.continue_(headers={**route.request.headers, **expired})

    tab.page.route("**/api/tasks**", age)
    yield
    tab.page.unroute("**/api/tasks**", age)

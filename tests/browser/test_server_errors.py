"""The page on a 500, or at the limit of tasks: it undoes the change, shows the reason in its place and keeps the text.

A repeated action is stored once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg2
import pytest

from tests.browser.account import Account
from tests.browser.chromium import expect
from tests.browser.tasks_page import TasksPage
from tests.support.processes import Service

FAILED = "Something went wrong on our side"
FULL = "The limit of tasks is reached"

BREAK = """
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'provoked'; END $$;
CREATE TRIGGER fail BEFORE INSERT OR UPDATE OR DELETE ON tasks FOR EACH ROW EXECUTE FUNCTION fail()
"""
MEND = "DROP FUNCTION fail CASCADE"


class Fragile:
    """A service whose database can be made to fail."""

    def __init__(self, service: Service, url: str) -> None:
        self.service = service
        self._url = url

    @contextmanager
    def failing(self, break_it: str = BREAK, mend_it: str = MEND) -> Iterator[None]:
        """Within this block every write to tasks ends with an unforeseen error."""
        self._execute(break_it)
        try:
            yield
        finally:
            self._execute(mend_it)

    def _execute(self, sql: str) -> None:
        connection = psycopg2.connect(self._url)
        connection.autocommit = True
        connection.cursor().execute(sql)
        connection.close()


@pytest.fixture(scope="module")
def fragile_service(create_database: Callable[[], str], start_service: Callable[..., Service]) -> Fragile:
    url = create_database()
    return Fragile(start_service(DATABASE_URL=url), url)


@pytest.fixture(scope="module")
def small(start_service: Callable[..., Service]) -> Service:
    """A service with a limit of two tasks for each user."""
    return start_service(MAX_TASKS="2")


class TestAFailure:
    @pytest.fixture
    def account(self, fragile_service: Fragile) -> Account:
        return Account(fragile_service.service)

    @pytest.fixture
    def tab(self, fragile_service: Fragile, open_tab: Callable[..., TasksPage], account: Account) -> TasksPage:
        account.make_task("As it was", description="Untouched")
        tab = open_tab(on=fragile_service.service)
        tab.log_in(account)
        expect(tab.row("As it was")).to_be_visible()
        return tab

    def test_at_a_new_task_returns_its_text_to_the_editor(
        self, fragile_service: Fragile, tab: TasksPage, account: Account
    ) -> None:
        with fragile_service.failing():
            tab.add("Written down", description="In two places")
            expect(tab.editor).to_contain_text(FAILED)
            expect(tab.editor.get_by_label("Title")).to_have_value("Written down")
            expect(tab.editor.get_by_label("Description")).to_have_value("In two places")
            tab.expect_stored()
        assert account.titles() == ["As it was"]

        tab.editor.get_by_role("button", name="Save").click()
        expect(tab.tick("Written down")).to_be_visible()
        tab.expect_stored()
        assert account.titles() == ["Written down", "As it was"]

    def test_at_a_completion_undoes_it_and_shows_the_reason(
        self, fragile_service: Fragile, tab: TasksPage, account: Account
    ) -> None:
        tab.show("All")
        with fragile_service.failing():
            tab.tick("As it was").click()
            expect(tab.row("As it was")).to_contain_text(FAILED)
            expect(tab.tick("As it was")).not_to_be_checked()
        assert [task["completed"] for task in account.tasks()] == [False]

        tab.tick("As it was").click()
        expect(tab.tick("As it was")).to_be_checked()
        tab.expect_stored()
        expect(tab.row("As it was")).not_to_contain_text(FAILED)
        assert [task["completed"] for task in account.tasks()] == [True]

    def test_at_an_edit_restores_the_task_and_keeps_the_typed_text(
        self, fragile_service: Fragile, tab: TasksPage, account: Account
    ) -> None:
        with fragile_service.failing():
            tab.edit("As it was").get_by_label("Title").fill("As it shall be")
            tab.editor.get_by_role("button", name="Save").click()
            expect(tab.editor).to_contain_text(FAILED)
            expect(tab.editor.get_by_label("Title")).to_have_value("As it shall be")
        assert account.titles() == ["As it was"]

        tab.page.keyboard.press("Escape")
        expect(tab.row("As it was")).to_be_visible()
        expect(tab.row("As it shall be")).to_have_count(0)

    def test_at_a_deletion_restores_the_task(self, fragile_service: Fragile, tab: TasksPage, account: Account) -> None:
        tab.page.clock.install()
        with fragile_service.failing():
            tab.delete("As it was")
            tab.leave_undo()
            tab.page.clock.run_for(6_000)
            expect(tab.row("As it was")).to_contain_text(FAILED)
            expect(tab.tick("As it was")).to_be_visible()
        assert account.titles() == ["As it was"]

    def test_at_the_list_is_shown_with_a_button_to_retry(
        self, fragile_service: Fragile, tab: TasksPage, account: Account
    ) -> None:
        with fragile_service.failing("ALTER TABLE tasks RENAME TO elsewhere", "ALTER TABLE elsewhere RENAME TO tasks"):
            tab.page.reload()
            expect(tab.page.locator("#list-error")).to_contain_text(FAILED)
        tab.page.locator("#list-error").get_by_role("button").click()
        expect(tab.row("As it was")).to_be_visible()
        expect(tab.page.locator("#list-error")).to_be_hidden()


def test_a_task_over_the_limit_stays_in_its_editor_until_it_can_be_saved(
    small: Service, open_tab: Callable[..., TasksPage]
) -> None:
    account = Account(small)
    first = account.make_task("First")
    tab = open_tab(on=small)
    tab.log_in(account)
    tab.add("Second")
    tab.expect_stored()

    tab.add("Third", description="One too many")
    expect(tab.editor).to_contain_text(FULL)
    expect(tab.editor.get_by_label("Title")).to_have_value("Third")
    tab.expect_stored()
    assert account.titles() == ["Second", "First"]

    account.call("DELETE", f"/api/tasks/{first['id']}")
    tab.editor.get_by_role("button", name="Save").click()
    expect(tab.tick("Third")).to_be_visible()
    tab.expect_stored()
    stored = [(task["title"], task["description"]) for task in account.tasks()]
    assert stored == [("Third", "One too many"), ("Second", None)]


def test_a_task_over_the_limit_that_is_cancelled_leaves_no_trace(
    small: Service, open_tab: Callable[..., TasksPage]
) -> None:
    account = Account(small)
    tab = open_tab(on=small)
    tab.log_in(account)
    for title in ("First", "Second"):
        tab.add(title)
        tab.expect_stored()
    tab.add("Third")
    expect(tab.editor).to_contain_text(FULL)
    tab.editor.get_by_role("button", name="Cancel").click()
    expect(tab.rows).to_have_count(2)
    tab.reload()
    expect(tab.rows).to_have_count(2)
    tab.sort.select_option("Newest first")
    expect(tab.page.locator(".row-title")).to_have_text(["Second", "First"])
    assert account.titles() == ["Second", "First"]

"""The service fails at a request, or will not store one task more: what was shown at once is taken back, the reason
stands where it was, nothing typed is lost, and the same thing done again is done once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg2
import pytest

from tests.browser.account import Account
from tests.browser.chromium import expect
from tests.browser.tasks_page import TasksPage
from tests.support.processes import UNLIMITED, Service, running

FAILED = "Something went wrong on our side"
FULL = "The limit of tasks is reached"

BREAK = """
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'provoked'; END $$;
CREATE TRIGGER fail BEFORE INSERT OR UPDATE OR DELETE ON tasks FOR EACH ROW EXECUTE FUNCTION fail()
"""
MEND = "DROP FUNCTION fail CASCADE"


class Fragile:
    """A service whose database can be made to fail at what it is asked."""

    def __init__(self, service: Service, url: str) -> None:
        self.service = service
        self._url = url

    @contextmanager
    def failing(self, break_it: str = BREAK, mend_it: str = MEND) -> Iterator[None]:
        """Within this block every write to tasks ends with an error that nobody has foreseen."""
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
def fragile_service(create_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fragile]:
    url = create_database()
    with running(tmp_path_factory.mktemp("fragile") / "log", DATABASE_URL=url, **UNLIMITED) as service:
        yield Fragile(service, url)


@pytest.fixture(scope="module")
def small(start_service: Callable[..., Service]) -> Service:
    """A service that keeps two tasks for each user."""
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

    def test_at_a_new_task_brings_its_words_back_to_be_saved_again(
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

    def test_at_a_tick_takes_it_back_and_says_why(
        self, fragile_service: Fragile, tab: TasksPage, account: Account
    ) -> None:
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

    def test_at_an_edit_shows_the_task_as_it_was_and_keeps_the_words(
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

    def test_at_a_deletion_brings_the_task_back(
        self, fragile_service: Fragile, tab: TasksPage, account: Account
    ) -> None:
        with fragile_service.failing():
            tab.delete("As it was")
            expect(tab.row("As it was")).to_contain_text(FAILED)
            expect(tab.tick("As it was")).to_be_visible()
        assert account.titles() == ["As it was"]

    def test_at_the_list_is_said_and_it_can_be_asked_for_again(
        self, fragile_service: Fragile, tab: TasksPage, account: Account
    ) -> None:
        with fragile_service.failing("ALTER TABLE tasks RENAME TO elsewhere", "ALTER TABLE elsewhere RENAME TO tasks"):
            tab.page.reload()
            expect(tab.page.locator("#list-error")).to_contain_text(FAILED)
        tab.page.locator("#list-error").get_by_role("button").click()
        expect(tab.row("As it was")).to_be_visible()
        expect(tab.page.locator("#list-error")).to_be_hidden()


def test_one_task_more_than_may_be_kept_waits_in_its_editor_for_room(
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


def test_one_task_too_many_that_is_given_up_leaves_no_trace(small: Service, open_tab: Callable[..., TasksPage]) -> None:
    account = Account(small)
    tab = open_tab(on=small)
    tab.log_in(account)
    for title in ("First", "Second", "Third"):
        tab.add(title)
    expect(tab.editor).to_contain_text(FULL)
    tab.editor.get_by_role("button", name="Cancel").click()
    expect(tab.rows).to_have_count(2)
    tab.page.reload()
    expect(tab.rows).to_have_count(2)
    assert tab.titles() == account.titles() == ["Second", "First"]

"""A page object for the tasks page; it finds elements by their labels, not by their markup."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.browser.account import PASSWORD, Account
from tests.browser.chromium import Locator, Page, expect
from tests.support.waiting import wait_until

PASTE = """
(field, text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  field.focus();
  const taken = !field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  if (!taken) document.execCommand("insertText", false, text);
}
"""

VISIBLE_TITLES = ".row:not([hidden]) .row-title"


class TasksPage:
    """One tab that shows the page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.new_task = page.get_by_label("New task", exact=True)
        self.search = page.get_by_role("searchbox", name="Search")
        self.sort = page.get_by_label("Sort by")
        self.load_more = page.get_by_role("button", name="Load more")
        self.banner = page.locator("#connection")
        self.rows = page.get_by_role("list").get_by_role("listitem")

    def open(self) -> None:
        """Go to the address that the start line prints."""
        self.page.goto("/")

    def reload(self) -> None:
        """Load the page again while somebody is logged in."""
        self.page.reload()
        self.expect_loaded()

    def register(self, email: str) -> None:
        """Create an account, as a new user does."""
        self.page.get_by_role("button", name="Create an account").click()
        self._submit_account(email, "Create an account")

    def log_in(self, account: Account) -> None:
        """Open the page and log in."""
        self.open()
        self.log_in_again(account)

    def log_in_again(self, account: Account) -> None:
        """Log in after the page asks for it."""
        self._submit_account(account.email, "Log in")

    def _submit_account(self, email: str, button: str) -> None:
        form = self.page.locator("#account-form")
        form.get_by_label("E-mail").fill(email)
        form.get_by_label("Password").fill(PASSWORD)
        form.get_by_role("button", name=button).first.click()
        expect(self.new_task).to_be_visible()
        self.expect_loaded()

    def log_out(self) -> None:
        """Press the log-out button."""
        self.page.get_by_role("button", name="Log out").click()
        expect(self.new_task).to_be_hidden()

    def add(self, title: str, description: str = "", due: str = "") -> None:
        """Type a new task and press Enter."""
        self.new_task.fill(title)
        composer = self.page.get_by_role("form", name="Add a task")
        composer.get_by_label("Description").fill(description)
        composer.get_by_label("Due optional").fill(due)
        self.new_task.press("Enter")

    def paste(self, text: str) -> None:
        """Paste into the field of the new task."""
        self.new_task.evaluate(PASTE, text)

    def row(self, title: str) -> Locator:
        """The task with exactly this title."""
        return self.rows.filter(has=self.page.get_by_text(title, exact=True))

    def tick(self, title: str) -> Locator:
        """The checkbox of a task."""
        return self.page.get_by_role("checkbox", name=title, exact=True)

    def edit(self, title: str) -> Locator:
        """Open a task's editor, and return it."""
        self.page.get_by_role("button", name=f"Edit {title}", exact=True).click()
        return self.editor

    @property
    def editor(self) -> Locator:
        """The open editor."""
        return self.rows.get_by_role("form")

    def delete(self, title: str) -> None:
        """Press the delete button of a task."""
        self.page.get_by_role("button", name=f"Delete {title}", exact=True).click()

    def undo(self, title: str) -> None:
        """Press Undo in the place of the deleted task."""
        self.page.get_by_role("button", name=f"Undo deleting {title}", exact=True).click()

    def leave_undo(self) -> None:
        """Move focus and pointer away: while one is on an undo button, its deletion waits."""
        self.page.get_by_role("heading", name="Tasks", exact=True).click()

    def show(self, status: str) -> None:
        """Choose a status filter by its name."""
        self.page.get_by_role("radio", name=status).check()
        self._expect_list()

    def show_more(self) -> None:
        """Press the button below the list. Not with the pointer: it moves while the rows above it are laid out."""
        self.load_more.dispatch_event("click")

    def titles(self) -> list[str]:
        """The titles on the page, from top to bottom."""
        return self.page.locator(VISIBLE_TITLES).all_text_contents()

    def expect_stored(self, timeout: float | None = None) -> None:
        """Wait until no write to the service is pending, for `timeout` ms at most."""
        expect(self.page.locator(".row-state:visible")).to_have_count(0, timeout=timeout)

    def expect_loaded(self) -> None:
        """Wait until the list and the numbers of the filters are shown: after that nothing moves by itself."""
        self._expect_list()
        expect(self.page.locator("[data-count=all]")).not_to_be_empty()

    def expect_titles(self, titles: Sequence[str]) -> None:
        """Wait until exactly these titles are on the page, from top to bottom."""
        expect(self.page.locator(VISIBLE_TITLES)).to_have_text(list(titles))

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        """Wait for what no locator shows. Handlers of the page's events run meanwhile; in a sleep they would not."""

        def is_true() -> object:
            self.page.wait_for_timeout(50)
            return condition()

        wait_until(is_true, what, timeout=30)

    def _expect_list(self) -> None:
        expect(self.page.locator("#tasks")).to_have_attribute("aria-busy", "false")

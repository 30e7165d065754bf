"""What one person has begun in a browser is stored for that person or not at all, also if another one uses it next."""

from __future__ import annotations

from collections.abc import Callable

from tests.browser.account import Account
from tests.browser.chromium import Page, Route, expect
from tests.browser.tasks_page import TasksPage
from tests.support.processes import Service

EXPIRED = {"error": {"code": "TOKEN_EXPIRED", "message": "The token has expired"}}
BUSY = {"error": {"code": "RATE_LIMITED", "message": "Too many requests"}}


def respond_once(page: Page, method: str, status: int, body: object, **headers: str) -> None:
    """Let the next request with this method to the tasks have a response that the service does not give."""
    left = [status]

    def respond(route: Route) -> None:
        if route.request.method == method and left:
            route.fulfill(status=left.pop(), json=body, headers=headers)
        else:
            route.fallback()

    page.route("**/api/tasks**", respond)


def expire(tab: TasksPage, title: str) -> None:
    """Tick a task with a token that the service refuses."""
    respond_once(tab.page, "PATCH", 401, EXPIRED)
    tab.tick(title).click()
    expect(tab.page.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_note_that_waits_when_the_session_expires_is_not_sent_for_the_next_person(
    tab: TasksPage, account: Account, service: Service
) -> None:
    account.make_task("Ada's task")
    bob = Account(service)
    tab.page.clock.install()
    tab.log_in(account)
    tab.show("All")
    respond_once(tab.page, "POST", 429, BUSY, **{"Retry-After": "600"})
    tab.add("Ada's note")
    expect(tab.banner).to_contain_text("Too many requests")
    expire(tab, "Ada's task")

    tab.log_in_again(bob)
    expect(tab.page.get_by_text("Nothing to do.")).to_be_visible()
    tab.page.clock.fast_forward(1_200_000)
    tab.add("Bob's note")
    tab.expect_stored()
    assert bob.titles() == ["Bob's note"]
    assert account.titles() == ["Ada's task"]
    assert "Ada's" not in tab.page.content()

    tab.log_out()
    tab.log_in_again(account)
    expect(tab.tick("Ada's note")).to_be_visible()
    tab.expect_stored()
    assert sorted(account.titles()) == ["Ada's note", "Ada's task"]
    expect(tab.tick("Ada's task")).to_be_checked()
    assert bob.titles() == ["Bob's note"]


def test_a_tick_that_meets_an_expired_session_is_stored_after_logging_in_again(
    tab: TasksPage, account: Account
) -> None:
    account.make_task("Water the tree")
    tab.log_in(account)
    tab.show("All")
    expire(tab, "Water the tree")
    tab.log_in_again(account)
    expect(tab.tick("Water the tree")).to_be_checked()
    tab.expect_stored()
    expect(tab.row("Water the tree")).not_to_contain_text("expired")
    assert [task["completed"] for task in account.tasks()] == [True]


def test_two_people_in_two_tabs_work_beside_each_other(tab: TasksPage, account: Account, service: Service) -> None:
    bob = Account(service)
    other = TasksPage(tab.page.context.new_page())
    tab.log_in(account)
    other.log_in(bob)
    respond_once(other.page, "POST", 503, BUSY, **{"Retry-After": "1"})
    other.add("Bob's note")
    tab.add("Ada's note")
    tab.expect_stored()
    tab.log_out()
    other.expect_stored()
    expect(other.tick("Bob's note")).to_be_visible()
    assert (account.titles(), bob.titles()) == (["Ada's note"], ["Bob's note"])


def test_one_double_click_creates_one_account(tab: TasksPage, open_tab: Callable[..., TasksPage]) -> None:
    tab.open()
    sent: list[str] = []
    tab.page.on("request", lambda request: sent.append(request.url) if "/auth/register" in request.url else None)
    tab.page.get_by_role("button", name="Create an account").click()
    form = tab.page.locator("#account-form")
    form.get_by_label("E-mail").fill("twice@example.com")
    form.get_by_label("Password").fill("correct horse battery")
    form.get_by_role("button", name="Create an account").first.dblclick()
    expect(tab.new_task).to_be_visible()
    assert len(sent) == 1

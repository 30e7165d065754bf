"""The interactive reference in a real browser: light, filled with the page's token, found by words, fit for a phone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.browser.account import PASSWORD, Account
from tests.browser.chromium import Axe, Browser, Page, expect
from tests.browser.tasks_page import TasksPage
from tests.support.processes import PROJECT, Service

DOCUMENT = json.loads((PROJECT / "docs" / "openapi.json").read_text(encoding="utf-8"))
MAX_BYTES = 30_000
"""Compressed, with the document."""


@pytest.fixture
def messages() -> list[str]:
    """The console messages of the page."""
    return []


@pytest.fixture
def requests() -> list[str]:
    """The URLs that the page requests."""
    return []


@pytest.fixture
def page(browser: Browser, service: Service, messages: list[str], requests: list[str]) -> Iterator[Page]:
    context = browser.new_context(base_url=service.origin, viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto("/docs")
    expect(page.locator("#listTasks")).to_be_visible()
    yield page
    context.close()


def send(page: Page, operation: str) -> tuple[str, str]:
    """Send a call with the values in its form; the status and body of the response."""
    call = page.locator(f"#{operation}")
    if call.get_attribute("open") is None:
        call.locator("summary").first.click()
    with page.expect_response(lambda response: "/openapi" not in response.url):
        call.get_by_role("button", name="Send").click()
    expect(call.locator(".succeeded, .failed")).to_contain_text("ms")
    body = call.get_by_role("group", name="Body of the response").inner_text()
    return call.locator(".succeeded, .failed").inner_text().split()[0], body


def test_it_loads_little_from_this_service_alone_without_console_messages(
    page: Page, service: Service, messages: list[str], requests: list[str]
) -> None:
    page.wait_for_load_state("networkidle")
    assert messages == []
    assert len(requests) >= 4
    assert [url for url in requests if not url.startswith(f"{service.origin}/")] == []
    sizes = page.evaluate(
        "['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type)).map((e) => e.encodedBodySize)"
    )
    assert min(sizes) > 0
    assert sum(sizes) < MAX_BYTES


def test_every_call_of_the_document_is_listed_and_the_first_family_alone_is_open(page: Page) -> None:
    calls = [
        operation for item in DOCUMENT["paths"].values() for name, operation in item.items() if name != "parameters"
    ]
    assert page.locator(".operation").count() == len(calls)
    families = page.locator(".group")
    assert families.count() == len(DOCUMENT["tags"])
    assert families.evaluate_all("all => all.map(({open}) => open)") == [True] + [False] * (len(DOCUMENT["tags"]) - 1)


def test_words_find_calls_by_path_summary_and_parameters_in_folded_families_too(page: Page) -> None:
    words = page.get_by_label("Filter")
    words.fill("Delete a /api/tasks")
    expect(page.locator("#deleteTask")).to_be_visible()
    expect(page.locator("#createTask")).to_be_hidden()
    words.fill("task_id If-Match delete")
    expect(page.locator(".operation:visible")).to_have_count(3)
    expect(page.get_by_role("status").first).to_have_text("3 calls with these words")
    words.fill("e-mail password")
    expect(page.locator(".operation:visible")).to_have_count(0)
    words.fill("LOCAL account token")
    expect(page.locator("#logIn")).to_be_visible()
    words.fill("cursor post")
    expect(page.locator(".operation:visible")).to_have_count(0)
    words.fill("")
    expect(page.locator("#listTasks")).to_be_visible()
    expect(page.locator("#logIn")).to_be_hidden()


def test_a_link_to_a_call_opens_it(page: Page, service: Service) -> None:
    page.goto(f"{service.origin}/docs#logIn")
    page.reload()
    expect(page.locator("#logIn").get_by_role("button", name="Send")).to_be_visible()


def test_axe_finds_no_violation_and_nothing_scrolls_sideways_on_a_phone_with_a_call_open(page: Page) -> None:
    send(page, "createTask")
    page.locator("#createTask").evaluate("(call) => call.querySelectorAll('details').forEach((d) => (d.open = true))")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        results = Axe().run(page)
        assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_without_a_token_a_call_shows_the_services_error(page: Page) -> None:
    status, body = send(page, "listTasks")
    assert (status, json.loads(body)["error"]["code"]) == ("401", "UNAUTHORIZED")


def test_it_has_the_pages_token_and_a_way_back(open_tab: Callable[..., TasksPage], account: Account) -> None:
    tab = open_tab()
    tab.log_in(account)
    tab.page.get_by_role("link", name="API reference").click()
    expect(tab.page.get_by_text(f"logged in as {account.email}")).to_be_visible()
    status, body = send(tab.page, "createTask")
    created = json.loads(body)["data"]
    assert (status, created["title"]) == ("201", "Buy groceries")
    tab.page.reload()
    status, body = send(tab.page, "listTasks")
    assert (status, json.loads(body)["data"]) == ("200", [created])
    tab.page.get_by_role("link", name="Back to the tasks").click()
    expect(tab.row("Buy groceries")).to_be_visible()


def test_the_token_of_a_log_in_here_is_used_for_the_next_calls(
    page: Page, account: Account, messages: list[str]
) -> None:
    page.get_by_label("Filter").fill("auth login")
    page.locator("#logIn summary").first.click()
    page.locator("#logIn").get_by_label("Body").fill(json.dumps({"email": account.email, "password": PASSWORD}))
    assert send(page, "logIn")[0] == "200"
    page.get_by_label("Filter").fill("")
    status, body = send(page, "listTasks")
    assert (status, json.loads(body)) == ("200", {"data": []})
    assert messages == []

"""The interactive reference in a real browser: it loads, takes a token, and calls only the service."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.browser.account import Account
from tests.browser.chromium import Browser, Page, expect
from tests.support.processes import PROJECT, Service


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
    context = browser.new_context(base_url=service.origin)
    page = context.new_page()
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto("/docs")
    expect(page.locator("#operations-Tasks-listTasks")).to_be_visible()
    yield page
    context.close()


def authorize(page: Page, token: str) -> None:
    page.get_by_role("button", name="Authorize").first.click()
    page.locator(".modal-ux input").fill(token)
    page.locator(".modal-ux button.authorize").click()
    page.locator(".modal-ux button.btn-done").click()


def execute(page: Page, operation: str) -> tuple[str, str]:
    """Run an operation with the values in its form; the status and body of the response."""
    block = page.locator(f"#operations-Tasks-{operation}")
    block.locator(".opblock-summary-control").click()
    block.locator("button.execute").click()
    row = block.locator(".live-responses-table tbody tr.response").first
    expect(row).to_be_visible()
    return row.locator(".response-col_status").inner_text().split()[0], row.locator("pre").first.inner_text()


def test_it_loads_without_console_messages_and_requests_only_this_service(
    page: Page, service: Service, messages: list[str], requests: list[str]
) -> None:
    page.wait_for_load_state("networkidle")
    assert messages == []
    assert len(requests) >= 5
    assert [url for url in requests if not url.startswith(f"{service.origin}/")] == []


def test_every_operation_of_the_document_is_shown(page: Page) -> None:
    document = json.loads((PROJECT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    operations = sum(len(item) - 1 for item in document["paths"].values())
    assert page.locator(".opblock").count() == operations


def test_without_a_token_a_call_shows_the_services_error(page: Page) -> None:
    status, body = execute(page, "listTasks")
    assert (status, json.loads(body)["error"]["code"]) == ("401", "UNAUTHORIZED")


def test_with_a_token_tasks_are_created_and_listed(
    page: Page, account: Account, messages: list[str], requests: list[str], service: Service
) -> None:
    authorize(page, account.token)
    status, body = execute(page, "createTask")
    created = json.loads(body)["data"]
    assert (status, created["title"]) == ("201", "Buy groceries")
    status, body = execute(page, "listTasks")
    assert (status, json.loads(body)["data"]) == ("200", [created])
    assert messages == []
    assert [url for url in requests if not url.startswith(f"{service.origin}/")] == []

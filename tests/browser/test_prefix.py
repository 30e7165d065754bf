"""The page and the reference in a browser, below a prefix that a real proxy strips."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.browser.chromium import Browser, Page, expect
from tests.browser.tasks_page import TasksPage
from tests.proxies.prefix import BELOW_PREFIX
from tests.proxies.proxy import Proxy
from tests.support.processes import Service


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, start_service: Callable[..., Service]) -> Iterator[Proxy]:
    service = start_service(TRUSTED_PROXY="127.0.0.1")
    proxy = Proxy("nginx", tmp_path_factory.mktemp("proxy"), [service.port, service.port], BELOW_PREFIX["nginx"])
    try:
        proxy.wait_until_ready(path="/todo/ready")
        yield proxy
    finally:
        proxy.stop()


@pytest.fixture
def requests() -> list[str]:
    """The URLs that the page requests."""
    return []


@pytest.fixture
def page(browser: Browser, proxy: Proxy, requests: list[str]) -> Iterator[Page]:
    context = browser.new_context(base_url=proxy.origin)
    page = context.new_page()
    page.on("request", lambda request: requests.append(request.url))
    yield page
    context.close()
    outside = [url for url in requests if not url.startswith(f"{proxy.origin}/todo/")]
    assert outside == []


def test_a_new_user_works_on_the_page(page: Page) -> None:
    page.goto("/todo/")
    tab = TasksPage(page)
    tab.register(f"{uuid.uuid4().hex[:12]}@example.com")
    tab.add("Book the ferry")
    expect(tab.row("Book the ferry")).to_be_visible()
    tab.expect_stored()
    tab.show("All")
    tab.tick("Book the ferry").check()
    tab.expect_stored()
    tab.reload()
    expect(tab.tick("Book the ferry")).to_be_checked()
    page.get_by_role("link", name="API reference").click()
    expect(page.locator("#listTasks")).to_be_visible()
    page.get_by_role("link", name="Back to the tasks").click()
    expect(tab.tick("Book the ferry")).to_be_checked()


@pytest.mark.parametrize("path", ["/todo/docs", "/todo/docs/"])
def test_the_reference_calls_below_the_prefix(page: Page, path: str, requests: list[str], proxy: Proxy) -> None:
    page.goto(path)
    call = page.locator("#listTasks")
    call.locator("summary").first.click()
    call.get_by_role("button", name="Send").click()
    body = call.get_by_role("group", name="Body of the response")
    expect(body).to_be_visible()
    assert json.loads(body.inner_text())["error"]["code"] == "UNAUTHORIZED"
    assert [url for url in requests if url.startswith(f"{proxy.origin}/todo/api/tasks")]

"""The page of examples/nextjs, built and served by Next.js, in a browser and over the real service."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator

import pytest

from tests.browser.chromium import Browser, Page, expect
from tests.support.ports import free_port
from tests.support.processes import PROJECT, Service, WebServer
from tests.support.programs import missing

EXAMPLE = PROJECT / "examples" / "nextjs"
START_TIMEOUT = 180.0


@pytest.fixture(scope="module")
def next_server(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    if not (EXAMPLE / ".next" / "BUILD_ID").exists() or shutil.which("node") is None:
        missing("needs the built example: npm ci && npm run build --workspace tasks-nextjs-example")
    port = free_port()
    environ = {**os.environ, "TASKS_URL": service.origin, "NEXT_TELEMETRY_DISABLED": "1"}
    program = PROJECT / "node_modules" / "next" / "dist" / "bin" / "next"
    command = ["node", str(program), "start", "--hostname", "127.0.0.1", "--port", str(port)]
    log = tmp_path_factory.mktemp("nextjs") / "next.log"
    server = WebServer(command, log, port=port, cwd=EXAMPLE, environ=environ)
    server.wait_until_ready(START_TIMEOUT, "/")
    yield server
    server.stop()


@pytest.fixture
def page(browser: Browser, next_server: WebServer) -> Iterator[Page]:
    context = browser.new_context(base_url=next_server.origin)
    page = context.new_page()
    yield page
    context.close()


def sign_up(page: Page) -> None:
    page.goto("/")
    page.get_by_label("E-mail").fill(f"{uuid.uuid4().hex}@example.com")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Create an account").click()
    expect(page.get_by_text("Nothing to do.")).to_be_visible()


def add(page: Page, title: str) -> None:
    page.get_by_label("Title").fill(title)
    page.get_by_role("button", name="Add", exact=True).click()


def test_a_user_signs_up_adds_ticks_and_deletes_tasks(page: Page, next_server: WebServer) -> None:
    sign_up(page)
    for title in ("Buy milk", "Call the dentist"):
        add(page, title)
        expect(page.get_by_role("listitem").filter(has_text=title)).to_be_visible()
    page.get_by_role("checkbox", name="Complete Buy milk").click()
    expect(page.get_by_role("checkbox", name="Complete Buy milk")).to_be_checked()
    page.get_by_role("button", name="Delete Call the dentist").click()
    expect(page.get_by_role("listitem")).to_have_count(1)
    page.reload()
    expect(page.get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_role("checkbox", name="Complete Buy milk")).to_be_checked()
    # The token is where no script of the page can read it, and the browser has called nobody but Next.js.
    assert page.evaluate("document.cookie") == ""
    origins = page.evaluate("[...new Set(performance.getEntriesByType('resource').map(e => new URL(e.name).origin))]")
    assert origins == [next_server.origin]
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_what_the_service_refuses_is_shown_and_can_be_corrected(page: Page) -> None:
    page.goto("/")
    page.get_by_label("E-mail").fill("nobody@example.com")
    page.get_by_label("Password").fill("a wrong password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("main").get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("E-mail")).to_have_value("nobody@example.com")
    sign_up(page)
    add(page, "   ")
    expect(page.get_by_role("main").get_by_role("alert")).to_have_text("Title is required")
    add(page, "Buy milk")
    expect(page.get_by_role("listitem")).to_have_count(1)

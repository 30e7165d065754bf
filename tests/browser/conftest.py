"""Fixtures: a service, a browser and tabs.

A request to another origin, a blocked resource, a dialog or a script error in a tab fails its test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from api.postgres.embedded import start_embedded, stop_embedded
from tests.browser.account import Account
from tests.browser.fragile import FragileService
from tests.support.processes import UNLIMITED, Service, starting

if TYPE_CHECKING:
    from tests.browser.chromium import Browser, Page
    from tests.browser.tasks_page import TasksPage

EXPECT_MS = 30_000
"""Milliseconds after which a test gives up on something that the page should show at once."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    # Imported here: without Playwright a test module is skipped, but a conftest would end the whole run.
    from tests.browser.chromium import CHROMIUM, FLAGS, expect, sync_playwright  # noqa: PLC0415

    expect.set_options(timeout=EXPECT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def start_service(
    create_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Service]]:
    """Starts a service with other settings, by default over a new database of the run's PostgreSQL."""
    with starting(tmp_path_factory.mktemp("services"), WORKERS="1", **UNLIMITED) as start:

        def start_over_a_database(**environ: str) -> Service:
            has_database = environ.keys() & {"DATA_DIR", "DATABASE_URL"}
            return start(**environ, **({} if has_database else {"DATABASE_URL": create_database()}))

        yield start_over_a_database


@pytest.fixture(scope="session")
def service(start_service: Callable[..., Service]) -> Service:
    """The service that most tests share; each test has its own users."""
    return start_service()


@pytest.fixture
def account(service: Service) -> Account:
    return Account(service)


@pytest.fixture
def open_tab(browser: Browser, service: Service) -> Iterator[Callable[..., TasksPage]]:
    """Opens a tab in a new browser context; `on` is the service, the rest are options of the context."""
    from tests.browser.tasks_page import TasksPage  # noqa: PLC0415

    watched: list[Watch] = []

    def open_tab(on: Service = service, **options: Any) -> TasksPage:
        # Playwright does not route the requests of a page with a service worker; test_install.py allows it.
        page = browser.new_context(**{"base_url": on.origin, "service_workers": "block", **options}).new_page()
        watched.append(Watch(page, on.origin))
        return TasksPage(page)

    yield open_tab
    for watch in watched:
        watch.page.context.close()
    assert [problem for watch in watched for problem in watch.problems] == []


@pytest.fixture
def tab(open_tab: Callable[..., TasksPage]) -> TasksPage:
    return open_tab()


class Watch:
    """Records events that must never happen on a page."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.problems: list[str] = []
        self._origin = origin
        page.on("request", lambda request: self._record_foreign(request.url))
        page.on("pageerror", lambda error: self.problems.append(f"script error: {error}"))
        page.on("dialog", self._record_dialog)
        page.on("console", lambda message: self._record_violation(message.text))

    def _record_foreign(self, url: str) -> None:
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}" != self._origin:
            self.problems.append(f"request to another origin: {url}")

    def _record_dialog(self, dialog: Any) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _record_violation(self, text: str) -> None:
        if "Content Security Policy" in text or "Trusted" in text:
            self.problems.append(f"policy violation: {text}")


@pytest.fixture(scope="session")
def fragile(
    tmp_path_factory: pytest.TempPathFactory, start_service: Callable[..., Service]
) -> Iterator[FragileService]:
    """A service with a PostgreSQL that a test may stop if it starts it again. The service does not look after it."""
    data_dir = tmp_path_factory.mktemp("fragile") / "data"
    service = start_service(DATABASE_URL=start_embedded(data_dir))
    yield FragileService(service, data_dir)
    service.stop()
    stop_embedded(data_dir)

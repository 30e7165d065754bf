"""Requests that get no response before the test releases them."""

from __future__ import annotations

from tests.browser.chromium import Route
from tests.browser.tasks_page import TasksPage


class HeldRequests:
    """The GET requests of a tab to URLs of this pattern."""

    def __init__(self, tab: TasksPage, url: str) -> None:
        self._tab = tab
        self._held: list[Route] = []
        self._is_released = False
        tab.page.route(url, self._decide)

    def expect_one(self) -> None:
        """Wait until one is held: the page may show what it asks for before the test hears of the request."""
        self._tab.wait_until(lambda: self._held, "a request to be held")

    def release(self) -> None:
        """Let all go on, those that come later too."""
        self.expect_one()
        self._is_released = True
        for route in self._held:
            route.continue_()

    def _decide(self, route: Route) -> None:
        if route.request.method == "GET" and not self._is_released:
            self._held.append(route)
        else:
            route.fallback()

"""Fixtures: the frontend's page on a port of its own, and a service with one of its profiles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.processes import PROJECT, Service
from tests.support.programs import missing

if TYPE_CHECKING:
    from tests.browser.chromium import Browser, Page

FOLDER = Path(__file__).parent
PROFILE = (FOLDER / "errands.toml").read_text(encoding="utf-8")
VUE = PROJECT / "node_modules" / "vue" / "dist" / "vue.esm-browser.prod.js"


class Files(SimpleHTTPRequestHandler):
    """Serves the page's folder, and Vue."""

    def translate_path(self, path: str) -> str:
        return str(VUE) if path == "/vue.js" else super().translate_path(path)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def page_port() -> Iterator[int]:
    """The port of the page, on every loopback name."""
    if not VUE.exists():
        missing("needs the page's packages: npm ci")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(FOLDER)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def serve_profile(
    start_service: Callable[..., Service], page_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Service]:
    """Starts a service with the page's profile; `replace` maps texts in it to others."""

    def serve(replace: dict[str, str] | None = None, **environ: str) -> Service:
        text = PROFILE
        for old, new in (replace or {}).items():
            assert old in text
            text = text.replace(old, new)
        path = tmp_path_factory.mktemp("profile") / "errands.toml"
        path.write_text(text, encoding="utf-8")
        return start_service(**{"FRONTEND": str(path), "CORS_ORIGINS": f"http://127.0.0.1:{page_port}", **environ})

    return serve


@pytest.fixture
def open_page(browser: Browser, page_port: int) -> Iterator[Callable[..., Page]]:
    """Opens the page in a new browser context, as a page of this host, with the service as its backend."""
    pages: list[Page] = []

    def open_page(service: Service, host: str = "127.0.0.1") -> Page:
        page = browser.new_context().new_page()
        pages.append(page)
        page.goto(f"http://{host}:{page_port}/?api={service.origin}")
        page.wait_for_selector("body[data-ready]", timeout=60_000)
        return page

    yield open_page
    for page in pages:
        page.context.close()

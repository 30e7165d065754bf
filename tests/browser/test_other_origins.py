"""Pages of other origins in a real browser: what an allowed one can do, and what an attacker's cannot."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.browser.chromium import CHROMIUM, FLAGS, Browser, Page
from tests.support.processes import Service

CALL = """
async ([url, options]) => {
  try {
    const response = await fetch(url, options);
    return [response.status, await response.text()];
  } catch (error) {
    return [0, String(error)];
  }
}
"""
JSON = {"Content-Type": "application/json", "traceparent": "00-1-1-00"}
SUBMIT = """
([url, kind]) => {
  const form = Object.assign(document.createElement("form"), { method: "post", action: url, enctype: kind });
  form.append(Object.assign(document.createElement("input"), { name: '{"title": "x", "rest": "', value: '"}' }));
  document.body.append(form);
  form.submit();
}
"""


@pytest.fixture(scope="module")
def demo(start_service: Callable[..., Service]) -> Service:
    return start_service(ANONYMOUS_USER="demo")


@pytest.fixture(scope="module")
def rebound(browser: Browser) -> Iterator[Browser]:
    """A browser in which every name below `.example` leads to this machine, as an attacker's name server answers."""
    rebound = browser.browser_type.launch(
        executable_path=CHROMIUM, args=[*FLAGS, "--host-resolver-rules=MAP *.example 127.0.0.1"]
    )
    yield rebound
    rebound.close()


class EmptyPage(BaseHTTPRequestHandler):
    """Responds to each GET with an empty page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><body>")

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def page_port() -> Iterator[int]:
    """The port of a web server that is not the service."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def open_page(rebound: Browser, page_port: int) -> Iterator[Callable[[str], Page]]:
    """Opens an empty page that the other web server serves under this name."""
    context = rebound.new_context()

    def open_page(host: str) -> Page:
        page = context.new_page()
        page.goto(f"http://{host}:{page_port}/")
        return page

    yield open_page
    context.close()


def call(page: Page, url: str, **options: Any) -> tuple[int, str]:
    """The status and body that the page sees; 0 and the message of the error if it sees no response."""
    status, text = page.evaluate(CALL, [url, options])
    return status, text


def titles(service: Service) -> list[str]:
    return [task["title"] for task in service.call("GET", "/api/tasks").json["data"]]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "app.localhost"])
def test_an_allowed_page_reads_every_response(open_page: Callable[[str], Page], demo: Service, host: str) -> None:
    page = open_page(host)
    status, text = call(page, f"{demo.origin}/api/tasks", method="POST", headers=JSON, body='{"title": "Mine"}')
    assert status == 201, text
    # Pages see these errors only because their preflights are granted.
    for method, path, expected in [
        ("POST", "/api/nowhere", 404),
        ("PATCH", "/api/tasks/1/toggle", 404),
        ("PUT", "/api/tasks", 405),
        ("patch", "/api/tasks/1", 400),
        ("DELETE", "/api/tasks/x", 422),
    ]:
        status, text = call(page, f"{demo.origin}{path}", method=method, headers=JSON, body="{}")
        assert (status, "error" in text) == (expected, True), (method, path, text)


def test_a_foreign_page_can_neither_read_nor_change(open_page: Callable[[str], Page], demo: Service) -> None:
    page, before = open_page("evil.example"), titles(demo)
    url = f"{demo.origin}/api/tasks"
    assert call(page, url)[0] == 0
    assert call(page, url, method="POST", headers=JSON, body='{"title": "x"}')[0] == 0
    assert call(page, url, method="POST", mode="no-cors", body='{"title": "x"}') == (0, "")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        with page.expect_navigation():
            page.evaluate(SUBMIT, [url, kind])
        assert '"UNAUTHORIZED"' in page.content()
        page.go_back()
    assert titles(demo) == before


def test_a_page_whose_name_leads_to_this_machine_is_foreign(rebound: Browser, demo: Service) -> None:
    page, before = rebound.new_page(), titles(demo)
    page.goto(f"http://evil.example:{urlsplit(demo.origin).port}/openapi.json")
    status, text = call(page, "/api/tasks")
    assert (status, '"UNAUTHORIZED"' in text) == (401, True)
    status, text = call(page, "/api/tasks", method="POST", headers=JSON, body='{"title": "x"}')
    assert (status, '"UNAUTHORIZED"' in text) == (401, True)
    assert titles(demo) == before
    page.close()

"""The page as an installed app: its manifest and icons, and a service worker that keeps its files, never data."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.account import Account
from tests.browser.chromium import Browser, Page, expect
from tests.browser.tasks_page import TasksPage
from tests.support.processes import PROJECT, UNLIMITED, Service
from tests.support.waiting import wait_until

ENTRIES = """async () => {
  const found = [];
  for (const name of await caches.keys())
    for (const { url } of await (await caches.open(name)).keys())
      found.push([new URL(url).pathname, await (await caches.match(url)).text()]);
  return found;
}"""
"""The path and the body of everything in Cache Storage."""

KEEPS_NEWER = """async () => {
  const names = await caches.keys();
  const page = await caches.match("/");
  return names.length === 1 && (await page?.text())?.includes("A newer place.");
}"""

STATE = """async () => ({
  caches: await caches.keys(),
  workers: (await navigator.serviceWorker.getRegistrations()).length,
})"""


@pytest.fixture
def tab(open_tab: Callable[..., TasksPage]) -> TasksPage:
    return open_tab(service_workers="allow")


def wait_for_worker(page: Page) -> str:
    """Wait until the worker controls the page; its scope."""
    page.wait_for_function("() => navigator.serviceWorker.controller?.state === 'activated'", timeout=60_000)
    scope: str = page.evaluate("async () => (await navigator.serviceWorker.ready).scope")
    return scope


def size_of_png(data: bytes) -> tuple[int, int]:
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def test_the_manifest_names_icons_of_the_sizes_that_it_says(service: Service) -> None:
    response = service.call("GET", "/static/manifest.webmanifest")
    assert response.headers["content-type"] == "application/manifest+json"
    manifest = json.loads(response.body)
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == ("../", "../", "standalone")
    sizes = {}
    for icon in (each for each in manifest["icons"] if each["type"] == "image/png"):
        width, height = size_of_png(service.call("GET", f"/static/{icon['src']}").body)
        assert icon["sizes"] == f"{width}x{height}"
        sizes[icon["sizes"], icon.get("purpose", "any")] = icon["src"]
    assert set(sizes) == {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")}
    assert size_of_png(service.call("GET", "/static/icon-180.png").body) == (180, 180)


def test_the_browser_finds_nothing_wrong_with_the_manifest(tab: TasksPage, service: Service) -> None:
    tab.open()
    manifest = tab.page.context.new_cdp_session(tab.page).send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert manifest["url"] == f"{service.origin}/static/manifest.webmanifest"


def test_offline_the_page_opens_with_what_was_typed(tab: TasksPage, account: Account) -> None:
    tab.log_in(account)
    wait_for_worker(tab.page)
    tab.page.context.set_offline(True)
    tab.new_task.fill("Written in the tunnel")
    tab.page.wait_for_function("() => Object.values(localStorage).some((text) => text.includes('in the tunnel'))")
    tab.page.reload()
    expect(tab.new_task).to_have_value("Written in the tunnel")
    expect(tab.banner).to_contain_text("You are offline")
    tab.page.context.set_offline(False)
    tab.new_task.press("Enter")
    tab.expect_stored()
    assert account.titles() == ["Written in the tunnel"]


def test_the_cache_holds_the_pages_files_and_never_data_also_after_a_log_out(tab: TasksPage, account: Account) -> None:
    account.make_task("A secret plan")
    tab.log_in(account)
    wait_for_worker(tab.page)
    tab.reload()
    expect(tab.row("A secret plan")).to_be_visible()
    for path in ("/openapi.json", "/docs", "/api/tasks?limit=1", "/auth/login"):
        tab.page.evaluate("(path) => fetch(path).then((response) => response.text())", path)
    tab.log_out()
    entries: list[tuple[str, str]] = tab.page.evaluate(ENTRIES)
    assert {"/", "/static/page.js", "/static/page.css", "/static/icon.svg"} <= {path for path, _ in entries}
    assert [path for path, _ in entries if path != "/" and not path.startswith("/static/")] == []
    assert [path for path, body in entries if "secret plan" in body or account.email in body] == []


@pytest.fixture
def newer_project(tmp_path: Path) -> Path:
    """A version whose HTML, script and style differ."""
    project = tmp_path / "newer"
    for folder in ("api", "migrations"):
        shutil.copytree(PROJECT / folder, project / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "serve.py", project)
    static = project / "api" / "static"
    for name, old, new in (
        ("index.html", "A quiet place for what needs doing.", "A newer place."),
        ("base.css", ":root {", ":root {\n  --newer: yes;"),
        ("dates.js", "", "document.documentElement.dataset.newer = 'yes';\n"),
    ):
        text = (static / name).read_text(encoding="utf-8")
        (static / name).write_text(text.replace(old, new, 1) if old else new + text, encoding="utf-8")
    return project


@pytest.fixture
def restart(tmp_path: Path, create_database: Callable[[], str]) -> Iterator[Callable[..., Service]]:
    """Starts a service, each time on the same port, instead of the one before."""
    settings = {**UNLIMITED, "DATABASE_URL": create_database(), "WORKERS": "1"}
    started: list[Service] = []

    def start(project: Path = PROJECT, **environ: str) -> Service:
        if started:
            started[-1].stop()
            settings["PORT"] = str(started[-1].port)
        started.append(Service(tmp_path / "log", {**settings, **environ}, project))
        # A worker shows the kept page if the service takes seconds to respond. Its first responses take the longest.
        started[-1].wait_until_ready()
        for path in ("/", "/static/page.js", "/static/page.css"):
            started[-1].call("GET", path)
        return started[-1]

    yield start
    for service in started:
        service.stop()


def test_one_reload_shows_a_new_version_and_a_service_without_the_page_removes_it(
    browser: Browser, restart: Callable[..., Service], newer_project: Path
) -> None:
    service = restart()
    context = browser.new_context(base_url=service.origin)
    page = context.new_page()
    page.goto("/")
    wait_for_worker(page)
    page.reload()
    expect(page.locator("#tagline")).to_have_text("A quiet place for what needs doing.")

    newer = restart(newer_project)
    page.reload()
    expect(page.locator("#tagline")).to_have_text("A newer place.")
    expect(page.locator("html")).to_have_attribute("data-newer", "yes")
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--newer')").strip() == "yes"

    wait_until(lambda: page.evaluate(KEEPS_NEWER), "the newer version to be kept", timeout=60)
    wait_for_worker(page)
    newer.stop()
    page.reload()
    expect(page.locator("#tagline")).to_have_text("A newer place.")
    expect(page.locator("html")).to_have_attribute("data-newer", "yes")

    restart(WEB_PAGE="off")
    response = page.reload()
    assert response is not None
    assert response.status == 404
    page.goto("/docs")
    wait_until(lambda: page.evaluate(STATE) == {"caches": [], "workers": 0}, "the worker and its cache to be removed")
    context.close()

"""The page in Firefox: create an account, add and tick a task, reload; open it while the service is away."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.firefox import Firefox
from tests.support.processes import Service

ENTER = "\ue007"
TICK = "document.querySelector('#tasks .tick')"
STORED = "!document.querySelector('.row-state:not([hidden])')"


@pytest.fixture
def firefox(tmp_path: Path) -> Iterator[Firefox]:
    firefox = Firefox(tmp_path)
    yield firefox
    firefox.close()


def test_a_day_in_firefox(start_service: Callable[..., Service], firefox: Firefox) -> None:
    service = start_service()
    firefox.open(f"{service.origin}/")
    firefox.click("#switch-mode")
    firefox.type("#email-field", f"{uuid.uuid4().hex[:12]}@example.com")
    firefox.type("#password-field", "correct horse battery")
    firefox.click("#account-form [type=submit]")
    firefox.wait_for("!document.getElementById('work').hidden")
    firefox.wait_for("document.querySelector('[data-count=all]').textContent")

    firefox.type("#new-title", f"Book the ferry{ENTER}")
    firefox.wait_for(TICK)
    firefox.click("#tasks .tick")
    firefox.wait_for("navigator.serviceWorker.controller")
    firefox.wait_for(f"{TICK} === null || {TICK}.checked")
    firefox.wait_for("performance.getEntriesByType('resource').some(({ name }) => name.endsWith('/complete'))")
    listed = "return fetch('/api/tasks', {headers: {Authorization: 'Bearer ' + JSON.parse(" + (
        "(sessionStorage.getItem('tasks.session') ?? localStorage.getItem('tasks.session'))).token}})"
        ".then((response) => response.json()).then(({ data }) => data.map((task) => [task.title, task.completed]))"
    )
    assert firefox.evaluate(listed) == [["Book the ferry", True]]
    firefox.command("WebDriver:Refresh")
    firefox.wait_for("!document.getElementById('work').hidden")

    service.stop()
    firefox.type("#new-title", "In the tunnel")
    firefox.wait_for("Object.values(localStorage).some((text) => text.includes('In the tunnel'))")
    firefox.open(f"{service.origin}/")
    firefox.wait_for("document.getElementById('new-title')?.value === 'In the tunnel'")
    assert firefox.evaluate("return caches.keys().then((names) => names.length)") == 1

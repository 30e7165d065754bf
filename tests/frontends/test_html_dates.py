"""Every profile for a page takes due dates as HTML inputs send them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.frontends.page import Page
from tests.frontends.surfaces import SURFACES, Surface

PAGES = [each for each in SURFACES if each.profile not in ("canonical", "owner-path", "bare", "todo-backend")]
NAMES = {"camel": "dueDate", "owner-camel": "dueDate", "success-data": "due_datetime"}


@pytest.mark.parametrize("surface", PAGES, ids=lambda surface: surface.profile)
def test_a_due_date_of_a_form_is_stored_and_cleared(open_page: Callable[..., Page], surface: Surface) -> None:
    page = open_page(surface.profile)
    name = NAMES.get(surface.profile, "due_date")
    collection = surface.tasks(page.user_id)

    created = page.send("POST", collection, {surface.title: "Buy milk", name: ""})
    assert f'"{name}":null' in created.body.decode()
    for sent in ("2026-12-01", "2026-12-01T10:00", "2026-12-01T10:00:30", ""):
        page("PUT", created.headers["location"], {surface.title: "Buy milk", name: sent})
        assert f'"{name}":{json.dumps(sent or None)}' in page.send("GET", collection).body.decode()

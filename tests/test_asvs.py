"""docs/asvs.md has every item of OWASP ASVS 5.0, level 1 and 2, once, and names tests and documents that exist."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from functools import lru_cache
from itertools import chain
from pathlib import Path

import pytest

from api.migrate import migrate
from tests.support.callers import Caller
from tests.support.postgres import connect
from tests.support.processes import PROJECT, Service
from tests.support.signing import SECRET

ITEMS_OF_SECTIONS = {
    "1.1": 2,
    "1.2": 9,
    "1.3": 11,
    "1.4": 3,
    "1.5": 2,
    "2.1": 3,
    "2.2": 3,
    "2.3": 4,
    "2.4": 1,
    "3.2": 2,
    "3.3": 4,
    "3.4": 6,
    "3.5": 5,
    "3.7": 2,
    "4.1": 3,
    "4.2": 1,
    "4.3": 2,
    "4.4": 4,
    "5.1": 1,
    "5.2": 3,
    "5.3": 2,
    "5.4": 3,
    "6.1": 3,
    "6.2": 12,
    "6.3": 4,
    "6.4": 4,
    "6.5": 5,
    "6.6": 3,
    "6.8": 4,
    "7.1": 3,
    "7.2": 4,
    "7.3": 2,
    "7.4": 5,
    "7.5": 2,
    "7.6": 2,
    "8.1": 2,
    "8.2": 3,
    "8.3": 1,
    "8.4": 1,
    "9.1": 3,
    "9.2": 4,
    "10.1": 2,
    "10.2": 2,
    "10.3": 4,
    "10.4": 11,
    "10.5": 5,
    "10.6": 2,
    "10.7": 3,
    "11.1": 2,
    "11.2": 3,
    "11.3": 3,
    "11.4": 4,
    "11.5": 1,
    "11.6": 1,
    "12.1": 3,
    "12.2": 2,
    "12.3": 4,
    "13.1": 1,
    "13.2": 5,
    "13.3": 2,
    "13.4": 5,
    "14.1": 2,
    "14.2": 4,
    "14.3": 3,
    "15.1": 3,
    "15.2": 3,
    "15.3": 7,
    "16.1": 1,
    "16.2": 5,
    "16.3": 4,
    "16.4": 3,
    "16.5": 3,
    "17.1": 1,
    "17.2": 4,
    "17.3": 2,
}
"""The sections of the standard, each with the number of its items of level 1 and 2, which are its first ones."""

ITEMS = [f"{section}.{item}" for section, most in ITEMS_OF_SECTIONS.items() for item in range(1, most + 1)]

_PARTS = re.split(r"^## (.+)\n", (PROJECT / "docs" / "asvs.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
ROWS = {
    title: [re.split(r" *\| *", line.strip("| \n")) for line in text.splitlines() if re.match(r"\| \d", line)]
    for title, text in zip(_PARTS[1::2], _PARTS[2::2], strict=True)
}
MET, NOT_MET, NOT_APPLICABLE = ROWS["Met"], ROWS["Not met"], ROWS["Does not apply"]


def listed(items: str) -> list[str]:
    """The items of a list with ranges, such as `1.2.5 to 1.2.8, 1.4.1`."""
    found: list[str] = []
    for entry in items.split(", "):
        first, _, last = entry.partition(" to ")
        found += ITEMS[ITEMS.index(first) : ITEMS.index(last or first) + 1]
    return found


def test_every_item_stands_in_one_list_and_the_lists_are_in_order() -> None:
    lists = [[row[0] for row in MET], [row[0] for row in NOT_MET], listed(", ".join(row[0] for row in NOT_APPLICABLE))]
    assert sorted(chain(*lists), key=ITEMS.index) == ITEMS
    assert all(items == sorted(items, key=ITEMS.index) for items in lists)


@lru_cache
def names_of_tests(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


@pytest.mark.parametrize("row", MET, ids=lambda row: row[0])
def test_what_is_met_is_shown_by_tests_and_documents_that_exist(row: list[str]) -> None:
    _, what, shown = row
    names = re.findall(r"`([^`]+)`", shown)
    assert what
    assert names
    for name in names:
        file, _, test = name.partition("::")
        if test:
            assert test in names_of_tests(PROJECT / "tests" / file), name
        else:
            assert (PROJECT / name).is_file(), name


@pytest.mark.parametrize("row", [*NOT_MET, *NOT_APPLICABLE], ids=lambda row: row[0])
def test_what_is_not_met_or_does_not_apply_has_a_reason(row: list[str]) -> None:
    assert len(row) == 2
    assert re.fullmatch(r"as \d+\.\d+\.\d+|.{12,}", row[1])


def test_trace_is_not_supported(user: Caller) -> None:
    for path in ("/api/tasks", "/health", "/"):
        response = user("TRACE", path)
        assert response.status_code == 405
        assert "TRACE" not in response.headers["allow"]


def test_a_new_database_has_no_account(create_database: Callable[[], str]) -> None:
    database = connect(create_database())
    migrate(database, "users")
    assert database.run("SELECT count(*) FROM users") == [(0,)]
    database.close()


def test_the_pages_password_field_is_masked_and_open_to_password_managers() -> None:
    page = (PROJECT / "api" / "static" / "index.html").read_text(encoding="utf-8")
    fields = re.findall(r"<input[^>]*password[^>]*>", page)
    assert fields
    for field in fields:
        assert 'type="password"' in field
        assert "autocomplete=" in field
        assert 'autocomplete="off"' not in field
    scripts = {path.name: path.read_text(encoding="utf-8") for path in (PROJECT / "api" / "static").glob("*.js")}
    # Of a new task's title several pasted lines become several tasks.
    assert {name for name, text in scripts.items() if re.search(r"[\"']paste[\"']|onpaste", text)} == {"composer.js"}


def test_log_times_are_utc(tmp_path: Path, database_url: str) -> None:
    environ = {"DATABASE_URL": database_url, "BETTER_AUTH_SECRET": SECRET, "WORKERS": "1", "TZ": "Asia/Tokyo"}
    service = Service(tmp_path / "log", environ)
    service.wait_until_ready()
    assert service.stop() == 0
    for line in service.output.splitlines():
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", json.loads(line)["timestamp"])

"""Search and the order of titles fold text alike on every database, also where the job has not reached a row."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from falcon.testing import TestClient

from api.migrate import migrate
from api.postgres.database import Database
from tests.support.callers import Caller
from tests.support.postgres import connect
from tests.support.signing import token_for
from tests.upgrades.turkish_postgres import turkish_database

INSERT = "INSERT INTO tasks (user_id, title, description) VALUES ('ada', %s, %s)"

LOCALES = {
    "C.UTF-8 as embedded": "",
    "C": "LOCALE 'C' TEMPLATE template0",
    "PG_UNICODE_FAST": "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'PG_UNICODE_FAST' LOCALE 'C' TEMPLATE template0",
    "tr-TR of ICU": None,
}


@pytest.fixture(scope="module", params=list(LOCALES.values()), ids=list(LOCALES))
def localised(
    request: pytest.FixtureRequest, create_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """A migrated database of each locale."""
    url = request.getfixturevalue("turkish_url") if request.param is None else create_database(request.param)
    database = connect(url)
    migrate(database, "users")
    yield database
    database.close()


@pytest.fixture(scope="module")
def turkish_url() -> Iterator[str]:
    with turkish_database() as url:
        yield url


@pytest.fixture
def ada(localised: Database, client_over: Callable[..., TestClient]) -> Caller:
    """A user without tasks."""
    localised.run("DELETE FROM users")
    localised.run("INSERT INTO users (id) VALUES ('ada')")
    return Caller(client_over(localised), "ada", token_for("ada"))


@pytest.fixture(params=["by this version", "by the version before"])
def store(request: pytest.FixtureRequest, localised: Database, ada: Caller) -> Callable[..., None]:
    """Stores a task, as this version does or as the one before has."""

    def by_the_version_before(title: str, description: str | None = None) -> None:
        localised.run(INSERT, (title, description))

    def by_this_version(title: str, description: str | None = None) -> None:
        ada.make_task(title, description=description)

    return by_this_version if request.param == "by this version" else by_the_version_before


@pytest.mark.parametrize(
    ("search", "text"),
    [
        ("STRASSE", "Straße"),
        ("ΟΔΌΣ", "Οδός"),
        ("cafe\u0301", "café"),
        ("café", "cafe\u0301"),
        ("creme", "crème"),
        ("İSTANBUL", "istanbul"),
        ("istanbul", "ISTANBUL"),
        ("privet", "PRIVET"),
        ("ПРИВЕТ", "привет"),
    ],
)
def test_a_search_finds(ada: Caller, store: Callable[..., None], search: str, text: str) -> None:
    store(f"{text} 1")
    store("2 Größe", f"in {text}")
    store("Größe 3", "x")

    assert sorted(ada.titles(search=search)) == sorted([f"{text} 1", "2 Größe"])


def test_titles_sort_by_their_letters_and_then_as_they_are_written(ada: Caller, store: Callable[..., None]) -> None:
    wanted = ["apfel", "äpfel", "Echo", "echo", "Écho", "Eis", "Öl", "Zebra", "zebra", "οδοσ", "οδός", "Ωμέγα"]
    for title in reversed(wanted):
        store(title)

    assert ada.titles(sort="title") == wanted
    assert ada.titles(sort="title", order="desc") == wanted[::-1]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", ["1", "2", "7"])
def test_a_walk_over_titles_that_fold_alike_sees_each_once(
    ada: Caller, store: Callable[..., None], order: str, limit: str
) -> None:
    for title in ["straße", "STRASSE", "Strasse", "strasse", "straße", "Strässe", "STRAẞE", "strand", "Strauß"] * 2:
        store(title)
    seen: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        page = ada("GET", "/api/tasks", params={"sort": "title", "order": order, "limit": limit, **cursor}).json
        seen += [task["id"] for task in page["data"]]
        if page["pagination"]["next_cursor"] is None:
            break
        cursor = {"cursor": page["pagination"]["next_cursor"]}

    whole = ada("GET", "/api/tasks", params={"sort": "title", "order": order}).json["data"]
    assert seen == [task["id"] for task in whole]
    assert len(set(seen)) == 18


TEXTS: dict[str | None, list[str]] = {None: [], "Plain": ["plain"], "Grün": ["grun"], "Weiß": ["weiss"]}
"""Texts, and how they are searched for."""

CHANGES: list[dict[str, Any]] = [
    {"title": "Weiß"},
    {"title": "Plain"},
    {"description": "Weiß"},
    {"description": "Plain"},
    {"description": None},
    {"title": "Weiß", "description": "Plain"},
    {"completed": True},
    {},
]


@pytest.mark.parametrize("title", ["Plain", "Grün"])
@pytest.mark.parametrize("description", [None, "Plain", "Grün"])
def test_a_change_of_either_text_is_found_whatever_was_folded_before(
    ada: Caller, localised: Database, title: str, description: str | None
) -> None:
    """The version before has written the row, or has written it since it was folded; this version changes one text."""
    for change, refolded in itertools.product(CHANGES, [False, True]):
        localised.run("DELETE FROM tasks")
        localised.run(INSERT, ("Größe" if refolded else title, "Größe" if refolded else description))
        [task] = ada("GET", "/api/tasks", params={"search": "grosse"} if refolded else None).json["data"]
        if refolded:
            localised.run("UPDATE tasks SET title = %s, description = %s, version = version + 1", (title, description))
        path = f"/api/tasks/{task['id']}"
        changed = ada("PATCH", path, change) if change else ada("PATCH", f"{path}/complete")
        assert changed.status_code == 200

        now = {"title": title, "description": description, **change}
        words = {word for text in (now["title"], now["description"]) for word in TEXTS[text]}
        found = {word for word in ("plain", "grun", "weiss", "grosse") if ada.titles(search=word)}
        assert found == words, (change, refolded)

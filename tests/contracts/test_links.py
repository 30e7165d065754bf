"""The Link header of a page (RFC 8288): its targets, and the query parameters that it repeats."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest

from tests.contracts import task_model
from tests.contracts.families import Family, in_every_family
from tests.support.callers import Caller


def links(response: Any) -> dict[str, str]:
    found = re.findall(r'<([^>]*)>; *rel="?(\w+)"?', response.headers.get("link", ""))
    return {relation: target for target, relation in found}


@in_every_family
def test_next_and_prev_link_all_pages_in_both_directions(
    user: Caller, listed: list[dict[str, Any]], family: Family
) -> None:
    start = f"{family.tasks(str(user.user_id))}?search=e&sort=title&order=desc&limit=4&unknown=%26%3D"
    wanted = task_model.sort(task_model.select(listed, search="e"), "title", "desc")

    seen, path, back = [], start, 0
    while path:
        response = user("GET", path)
        seen += response.json["data"]
        last, path = path, links(response).get("next", "")
    while last:
        back += 1
        last = links(user("GET", last)).get("prev", "")

    assert seen == wanted
    assert back == len(task_model.pages(wanted, 4))


def test_a_walk_by_cursor_has_only_next(user: Caller, listed: list[dict[str, Any]]) -> None:
    cursor = user("GET", "/api/tasks", params={"limit": "10"}).json["pagination"]["next_cursor"]
    response = user("GET", "/api/tasks", params={"limit": "10", "cursor": cursor})

    assert set(links(response)) == {"next"}
    rest = user("GET", links(response)["next"])
    assert rest.json["data"] == listed[20:]
    assert links(rest) == {}


@pytest.mark.parametrize("word", ["zoë", "a&b", "100%", "a+b", "x y", "#"])
@pytest.mark.parametrize("encoded", [True, False], ids=["percent-encoded", "bytes"])
def test_a_search_of_any_characters_is_repeated_in_the_link(user: Caller, word: str, encoded: bool) -> None:
    for number in range(3):
        user.make_task(f"{word} {number}")
    # A client may send UTF-8 without percent-encoding; WSGI passes it on as Latin-1.
    search = quote(word) if encoded or word.isascii() else word.encode().decode("latin-1")

    response = user("GET", "/api/tasks", query_string=f"search={search}&limit=2")
    rest = user("GET", links(response)["next"])

    assert [task["title"] for task in rest.json["data"]] == [f"{word} 0"]


def test_unknown_parameters_are_not_repeated(user: Caller, listed: list[dict[str, Any]]) -> None:
    response = user("GET", "/api/tasks", query_string="limit=1&page=2&unknown=" + "%F0%9F%98%80" * 500)

    assert set(links(response)) == {"next", "prev"}
    assert len(response.headers["link"]) < 200


def test_a_list_without_pages_has_no_link(user: Caller, listed: list[dict[str, Any]]) -> None:
    assert "link" not in user("GET", "/api/tasks").headers

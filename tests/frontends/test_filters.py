"""Filters by further fields: a value of another type is refused under the client's name, whatever it is."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.frontends.page import Page


@pytest.mark.parametrize("name", ["priority", "category", "tags"])
@pytest.mark.parametrize("value", ["\0", "a\0b"])
def test_nul_is_refused(open_page: Callable[..., Page], name: str, value: str) -> None:
    refused = open_page("plain")("GET", f"/api/tasks?{name}={quote(value)}", status=422)

    assert refused["error"]["details"] == [{"field": name, "message": f"{name.capitalize()} is not valid"}]


@pytest.mark.parametrize(
    "value",
    ["high", "NaN", "Infinity", "1e999", "-1e999", "9007199254740992", "true", "null", "[" * 5000, "9" * 5000, "1 2"],
)
def test_a_number_must_be_one(open_page: Callable[..., Page], value: str) -> None:
    page = open_page("todo-backend")

    assert page("GET", f"/todos?order={quote(value)}", status=422)["error"]["details"][0]["field"] == "order"


@pytest.mark.parametrize("value", ["1", "2.5", "-3", "0"])
def test_a_number_is_found_by_its_value(open_page: Callable[..., Page], value: str) -> None:
    page = open_page("todo-backend")
    page("POST", "/todos", {"title": "found", "order": float(value)}, status=201)
    page("POST", "/todos", {"title": "other", "order": 7}, status=201)

    assert [todo["title"] for todo in page("GET", f"/todos?order={value}")] == ["found"]


@pytest.mark.parametrize("value", ["yes", "1", "True", '"true"', "[" * 5000])
def test_a_boolean_must_be_one(open_page: Callable[..., Page], value: str) -> None:
    page = open_page("starred")

    page("GET", f"/api/{page.user_id}/tasks?starred={quote(value)}", status=422)


@pytest.mark.parametrize("value", ["%FF", "%ED%A0%80"])
def test_text_must_be_utf_8(open_page: Callable[..., Page], value: str) -> None:
    open_page("plain")("GET", f"/api/tasks?priority={value}", status=422)


@pytest.mark.parametrize("value", ['"', "'", "%", "\\", "_", "\x01", "é", "😀", "{}", "]"])
def test_any_other_text_is_compared_as_it_is(open_page: Callable[..., Page], value: str) -> None:
    page = open_page("plain")
    page("POST", "/api/tasks", {"title": "found", "category": value, "tags": [value, "b"]}, status=201)
    page("POST", "/api/tasks", {"title": "other", "category": "x", "tags": ["x"]}, status=201)

    for name in ("category", "tags"):
        assert [task["title"] for task in page("GET", f"/api/tasks?{name}={quote(value)}")] == ["found"]


def test_a_field_with_the_name_of_a_parameter_filters_and_the_parameter_has_its_other_name(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("todo-backend")
    for title, order in (("a", 1), ("b", 1), ("c", 2)):
        page("POST", "/todos", {"title": title, "order": order}, status=201)

    reply = page("GET", "/todos?order=1&sort=title&sort_order=desc")

    assert [todo["title"] for todo in reply] == ["b", "a"]

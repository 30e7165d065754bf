"""Titles and descriptions: stored and returned exactly as sent, within their limits; NUL is rejected."""

from __future__ import annotations

import pytest

from tests.support.callers import Caller, error_of


def test_text_is_returned_exactly_as_sent(user: Caller) -> None:
    title = "  <b>Zoë & 🦄</b> \u202e\ufeff\x01 e\u0301\r\n'; DROP TABLE tasks; -- %s %(x)s {0} \\ "

    task = user.make_task(title, description=title)

    assert task["title"] == task["description"] == title
    assert user("GET", f"/api/tasks/{task['id']}").json["data"] == task
    assert user("GET", "/api/tasks").json["data"] == [task]


@pytest.mark.parametrize("field", ["title", "description"])
def test_nul_is_rejected_and_the_field_named(user: Caller, field: str) -> None:
    response = user("POST", "/api/tasks", {"title": "Buy milk", field: "a\0b"})

    assert error_of(response) == (422, "VALIDATION_ERROR")
    assert [each["field"] for each in response.json["error"]["details"]] == [field]


def test_titles_of_500_characters_fit_and_one_more_does_not(user: Caller) -> None:
    assert user.make_task("🦄" * 500)["title"] == "🦄" * 500
    response = user("POST", "/api/tasks", {"title": "🦄" * 501})
    assert error_of(response) == (422, "VALIDATION_ERROR")
    assert response.json["error"]["details"][0]["field"] == "title"


def test_descriptions_of_10_000_characters_fit_and_one_more_does_not(user: Caller) -> None:
    assert len(user.make_task("Long", description="é" * 10_000)["description"]) == 10_000
    response = user("POST", "/api/tasks", {"title": "Long", "description": "é" * 10_001})
    assert error_of(response) == (422, "VALIDATION_ERROR")
    assert response.json["error"]["details"][0]["field"] == "description"

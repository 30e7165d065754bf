"""What the ugly client sends wrongly, and its cookie: over a real socket, responses are compared whole."""

from __future__ import annotations

import pytest

from tests.profiles.ugly_client import (
    CLEARED,
    PAGE,
    Client,
    fault,
    invalid,
    outcome,
)
from tests.support.signing import token_for


def test_a_change_by_cookie_needs_an_origin_and_a_bearer_token_needs_none(ugly: Client) -> None:
    text = "A change by cookie needs an Origin from CORS_ORIGINS; or send the token as a bearer token"
    refused = fault(403, "FORBIDDEN", text, "Forbidden")
    for origin in ("", "null", "https://elsewhere.example", f"{PAGE}.elsewhere.example", PAGE.replace("https", "http")):
        assert outcome(ugly("POST", ugly.home, {"text": "Buy milk"}, Origin=origin)) == refused
        assert outcome(ugly("DELETE", "/v1/notes", Origin=origin)) == refused
        assert ugly("GET", ugly.home, Origin=origin).status == 200
    login = {"login": "a@example.com", "passphrase": "correct horse"}
    assert outcome(ugly("POST", "/ugly/enter", login, Origin="https://elsewhere.example", Cookie="")) == refused
    assert ugly("GET", ugly.home).json["items"] == []
    bearer = {"Authorization": f"Bearer {ugly.token}"}
    assert ugly("POST", ugly.home, {"text": "Buy milk"}, Origin="", Cookie="", **bearer).status == 200


def test_an_expired_cookie_is_cleared_with_the_401(ugly: Client) -> None:
    expired = ugly("GET", ugly.home, cookie=token_for(ugly.user_id, exp=1))
    assert outcome(expired) == fault(401, "TOKEN_EXPIRED", "The token has expired", "Unauthorized")
    assert expired.headers["set-cookie"] == CLEARED
    bearer = ugly("GET", ugly.home, Cookie="", Authorization=f"Bearer {token_for(ugly.user_id, exp=1)}")
    assert (bearer.status, "set-cookie" in bearer.headers) == (401, False)


def test_what_is_wrong_is_named_as_the_client_calls_it_and_nothing_is_stored(ugly: Client) -> None:
    number = ugly.make(colour="red")
    item = f"/v1/notes/{number}"
    before = ugly("GET", item).json
    twins = "headline and text are the same field and must have the same value"
    contradiction = "state and ticked contradict each other"
    types = invalid(effort="Effort must be a number or null", starred="Starred must be true or false or null")
    for body, expected in (
        ({"text": "a", "headline": "b"}, invalid(headline=twins)),
        ({"text": "a", "state": "DOING", "ticked": True}, invalid(state=contradiction)),
        ({"text": " "}, invalid(text="Headline is required")),
        ({"text": "a", "effort": "two", "starred": 1}, types),
        ({"text": "a", "priority": "mid"}, invalid(priority="Priority must be one of low, high")),
    ):
        for method, path in (("PATCH", item), ("POST", ugly.home)):
            response = ugly(method, path, {"colour": "blue", **body})
            assert outcome(response) == expected, response
    wrong: list[dict[str, object]] = [
        {"tags": [1]},
        {"tags": "a"},
        {"colour": 5},
        {"colour": "\0"},
        {"effort": 2**53},
        {"starred": "yes"},
        {"state": "LATE"},
    ]
    for body in wrong:
        for method, path in (("PATCH", item), ("POST", ugly.home)):
            response = ugly(method, path, {"text": "c", **body})
            assert (response.status, list(response.json["error"]["fields"])) == (400, list(body)), response
    large = fault(400, "VALIDATION_ERROR", "The further fields of a task take more than 4 KiB", "Bad Request")
    for method, path in (("PATCH", item), ("POST", ugly.home)):
        assert outcome(ugly(method, path, {"text": "c", "colour": "x" * 4096})) == large
    assert ugly("GET", item).json == before
    assert ugly("GET", ugly.home).json["counts"]["all"] == 1
    assert ugly("PATCH", item, {"colour": "x" * 3900}).json["item"]["colour"] == "x" * 3900


@pytest.mark.parametrize(
    ("local", "instant"),
    [
        ("2026-12-01T10:00", "2026-12-01T09:00:00.000000Z"),
        ("2026-07-01T10:00:30", "2026-07-01T08:00:30.000000Z"),
        # The clock skips this time: the offset of before. And it shows this one twice: the earlier instant.
        ("2026-03-29T02:30", "2026-03-29T01:30:00.000000Z"),
        ("2026-10-25T02:30", "2026-10-25T00:30:00.000000Z"),
        ("2026-10-25T03:00", "2026-10-25T02:00:00.000000Z"),
    ],
)
def test_a_local_date_time_comes_back_as_sent_and_is_an_instant(ugly: Client, local: str, instant: str) -> None:
    number = ugly.make(deadline=local)
    shown = ugly("GET", f"/v1/notes/{number}").json["item"]
    assert (shown["dueAt"], shown["deadline"]) == (local, local)
    canonical = f"/canonical/api/tasks/{number}"
    assert ugly.service.call("GET", canonical, token=ugly.token).json["data"]["due_date"] == instant
    moved = {"due_date": "2027-01-01T00:00:00Z"}
    assert ugly.service.call("PATCH", canonical, moved, token=ugly.token).status == 200
    assert ugly("GET", f"/v1/notes/{number}").json["item"]["dueAt"] == "2027-01-01T00:00:00.000000Z"


def test_other_errors_have_its_body_too(ugly: Client) -> None:
    assert outcome(ugly("GET", "/nowhere")) == fault(404, "NOT_FOUND", "No such path", "Not Found")
    assert outcome(ugly("GET", "/v1/notes/x")) == invalid(id="The task id must be an integer")
    foreign = Client(ugly.service).make()
    expected = fault(403, "FORBIDDEN", "This belongs to another user", "Forbidden")
    assert outcome(ugly("GET", f"/v1/notes/{foreign}")) == expected
    assert outcome(ugly("GET", "/ugly/somebody/notes")) == expected
    assert outcome(ugly("PUT", "/v1/notes", {}))[0] == 405
    assert (
        outcome(ugly("POST", ugly.home, b"{", Content_Type="application/json"))[1]["error"]["code"] == "MALFORMED_JSON"
    )
    parameters = {
        "size=0": {"size": "Limit must be at least 1"},
        "size=1&size=2": {"size": "Size must be given once"},
        "show=finished&state=DONE": {"state": "State must be given once"},
        "effort=x": {"effort": "Effort is not valid"},
    }
    for query, fields in parameters.items():
        assert outcome(ugly("GET", f"{ugly.home}?{query}")) == invalid(**fields)

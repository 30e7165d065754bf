"""An ugly client that needs every key of a profile at once, over a real socket. Responses are compared whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from api.profiles.reading import SCHEMA, read_profile
from tests.profiles.guide import resolve
from tests.profiles.ugly_client import (
    CLEARED,
    FORM,
    PROFILE,
    Client,
    conforms,
    fault,
    invalid,
    is_item,
    outcome,
    sorted_like,
)


def test_its_profile_uses_every_key_of_the_language() -> None:
    def unused(rules: Mapping[str, Any], given: Any, prefix: str) -> Iterator[str]:
        rules = resolve(rules)
        tables = given if isinstance(given, list) else [given]
        for name, each in (rules.get("items") or rules).get("properties", {}).items():
            values = [table[name] for table in tables if isinstance(table, dict) and name in table]
            if not values:
                yield f"{prefix}{name}"
            for value in values[:1]:
                yield from unused(each, value, f"{prefix}{name}.")

    document = read_profile(str(PROFILE)).document
    assert list(unused(SCHEMA, document, "")) == []


def test_an_account_by_form_and_by_json(ugly: Client) -> None:
    mail = f"{ugly.user_id}@example.com"
    body = f"username={mail}&passphrase=correct+horse&called=Ada".encode()
    joined = ugly("POST", "/ugly/join", body, Cookie="", **FORM)
    token = joined.json["jwt"]
    key = joined.json["who"]["key"]
    who = {"key": key, "mail": mail, "called": "Ada", "nothing": None}
    assert outcome(joined) == (200, {"ok": True, "new": True, "jwt": token, "who": who, "says": "Registered"})
    attributes = "Domain=ugly.example; HttpOnly; Max-Age=3600; Path=/; SameSite=None; Secure"
    assert joined.headers["set-cookie"] == f"ugly_sid={token}; {attributes}"
    assert joined.headers["access-control-allow-credentials"] == "true"

    for path in ("/ugly/enter", "/v1/enter"):
        entered = ugly("POST", path, {"login": mail, "passphrase": "correct horse"}, Cookie="")
        assert conforms(
            entered.json,
            {
                "ok": True,
                "jwt": re.compile(r"[\w-]+\.[\w-]+\.[\w-]+"),
                "kind": "Bearer",
                "seconds": 3600,
                "until": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
                "who": who,
                "key": key,
                "mail": mail,
                "called": "Ada",
                "says": "Logged in",
                "nothing": None,
            },
        ), entered
        assert entered.headers["set-cookie"].startswith(f"ugly_sid={entered.json['jwt']}; ")

    shown = {"ok": True, "who": who, "key": key, "mail": mail, "called": "Ada", "says": "The token is valid"}
    for method, path in (("GET", "/ugly/whoami"), ("GET", "/ugly/check"), ("POST", "/ugly/check")):
        assert outcome(ugly(method, path, cookie=token)) == (200, {**shown, "nothing": None})
    left = ugly("POST", "/ugly/leave", cookie=token)
    assert outcome(left) == (200, {"ok": True, "says": "Logged out", "nothing": None})
    assert left.headers["set-cookie"] == CLEARED

    again = ugly("POST", "/ugly/join", {"login": mail, "passphrase": "correct horse"}, Cookie="")
    assert outcome(again) == fault(409, "EMAIL_TAKEN", "An account with this e-mail exists", "Conflict")
    short = ugly("POST", "/ugly/join", {"login": mail, "passphrase": "short"}, Cookie="")
    assert outcome(short) == invalid(
        passphrase="Passphrase must have at least 8 characters; several words are easy to remember"
    )
    wrong = ugly("POST", "/ugly/enter", b"username=a&passphrase=b", Cookie="", **FORM)
    assert outcome(wrong) == fault(401, "INVALID_CREDENTIALS", "E-mail or password is wrong", "Unauthorized")


def test_one_note_through_its_life(ugly: Client) -> None:
    sent: dict[str, object] = {
        "text": "Buy milk",
        "notes": "2 l",
        "deadline": "2026-12-01T10:00",
        "state": "DOING",
        "priority": "high",
        "tags": ["shop", "é"],
        "effort": 2.5,
        "starred": True,
        "colour": "red",
    }
    created = ugly("POST", ugly.home, sent)
    number = created.json["_id"]
    given: dict[str, object] = {"body": "2 l", "dueAt": "2026-12-01T10:00", "state": "DOING", "priority": "high"}
    given |= {"tags": ["shop", "é"], "effort": 2.5, "starred": True, "colour": "red"}
    note = sorted_like(created.json["item"], ugly.note(number, **given))
    assert conforms(created.json, {"ok": True, "_id": number, "item": note, "says": "Task created"}), created
    assert (created.status, created.headers["location"]) == (200, f"{ugly.home}/{number}")

    for path in (ugly.home, "/ugly/notes", "/v1/notes"):
        assert is_item(ugly("GET", f"{path}/{number}"), ugly.note(number, **given), "Task found")
    item = f"/v1/notes/{number}"
    changed = ugly("PATCH", item, {"headline": "Buy bread", "text": "Buy bread", "starred": None, "deadline": ""})
    given |= {"headline": "Buy bread", "starred": False, "dueAt": None}
    assert is_item(changed, ugly.note(number, **given), "Task updated")

    for method, path, body, state in (
        ("PUT", "/state", {"state": "BLOCKED"}, "BLOCKED"),
        ("PUT", "/state", {"isDone": True}, "DONE"),
        ("POST", "/state", None, "BLOCKED"),
        ("POST", "/done", None, "DONE"),
        ("POST", "/done", None, "DONE"),
        ("DELETE", "/done", None, "BLOCKED"),
        ("PATCH", "/flip", None, "DONE"),
        ("POST", "/state", {"state": "TODO"}, "TODO"),
    ):
        response = ugly(method, f"{item}{path}", body)
        says = "Task completed" if state == "DONE" else "Task reopened"
        expected = ugly.note(number, **{**given, "state": state, "ticked": state == "DONE"})
        assert is_item(response, expected, says), (method, path, response)

    deleted = ugly("DELETE", item)
    assert outcome(deleted) == (200, {"ok": True, "_id": number, "says": "Task deleted", "nothing": None})
    assert outcome(ugly("GET", item)) == fault(404, "NOT_FOUND", "Task not found", "Not Found")


def test_lists_with_counts_windows_filters_and_all_deleted(ugly: Client) -> None:
    numbers = [ugly.make(f"Note {number}", state=state) for number, state in enumerate(["DOING", "TODO", "DONE"])]
    ugly("PATCH", f"/v1/notes/{numbers[0]}", {"tags": ["a", "b"], "effort": 1, "starred": True, "colour": "red"})
    whole = ugly("GET", ugly.home).json
    items = whole.pop("items")
    assert [item["_id"] for item in items] == numbers[::-1]
    assert whole == {
        "ok": True,
        "price": "$5",
        "counts": {"here": 3, "all": 3, "done": 1, "open": 2},
        "window": [1, 1, None, 0],
        "after": None,
        "more": False,
        "says": "Tasks found",
        "nothing": None,
    }
    page = ugly("GET", f"{ugly.home}?size=2&sheet=2&by=createdAt&direction=up").json
    assert [item["_id"] for item in page.pop("items")] == numbers[2:]
    assert page == {
        "ok": True,
        "price": "$5",
        "counts": {"here": 1, "all": 3, "done": 1, "open": 2},
        "window": [2, 2, 2, 2],
        "after": None,
        "more": False,
        "pagination": {"page": 2, "limit": 2, "total": 3, "pages": 2, "next_cursor": None},
        "says": "Tasks found",
        "nothing": None,
    }
    for query, expected in (
        ("show=finished", numbers[2:]),
        ("show=unfinished&by=newest&direction=down", numbers[1::-1]),
        ("state=DOING", numbers[:1]),
        ("state=TODO", numbers[1:2]),
        ("state=DONE", numbers[2:]),
        ("tags=b&effort=1&starred=true&colour=red&priority=low", numbers[:1]),
        ("starred=false&direction=up", numbers[1:]),
        ("q=note+1", numbers[1:2]),
        ("q=second", numbers[1:2]),
        ("size=1&from=1", numbers[1:2]),
        ("by=headline&direction=down", numbers[::-1]),
    ):
        response = ugly("GET", f"/v1/notes?{query}")
        assert [item["_id"] for item in response.json["items"]] == expected, (query, response)
    refused = ugly("DELETE", "/v1/notes?state=DONE")
    assert outcome(refused) == invalid(query="Deleting all tasks takes no query parameters")
    other = Client(ugly.service)
    kept = other.make()
    emptied = ugly("DELETE", "/v1/notes")
    assert outcome(emptied) == (200, {"ok": True, "_id": None, "says": "All tasks deleted", "nothing": None})
    assert ugly("GET", ugly.home).json["counts"] == {"here": 0, "all": 0, "done": 0, "open": 0}
    assert [item["_id"] for item in other("GET", other.home).json["items"]] == [kept]


def test_a_walk_by_cursor_sees_each_note_once(ugly: Client) -> None:
    numbers = [ugly.make(f"Note {number}", colour="red") for number in range(5)]
    ugly.make("Another", colour="blue")
    seen: list[str] = []
    path = "/v1/notes?size=2&colour=red&by=createdAt&direction=up"
    cursor = ""
    while True:
        response = ugly("GET", path + (f"&after={cursor}" if cursor else ""))
        seen += [item["_id"] for item in response.json["items"]]
        cursor = response.json["after"]
        assert response.json["more"] is (cursor is not None)
        if cursor is None:
            break
        link = response.headers["link"]
        assert "after=" in link or "sheet=" in link
        assert "colour=red" in link
        assert "size=2" in link
    assert seen == numbers
    bad = ugly("GET", f"{path}&after=x")
    assert list(bad.json["error"]["fields"]) == ["after"]
    both = ugly("GET", f"{path}&after=x&from=1")
    assert outcome(both) == invalid(**{"from": "Offset cannot be given together with page or cursor"})


def test_preconditions_and_idempotency_hold_for_further_fields(ugly: Client) -> None:
    body = {"text": "Buy milk", "colour": "red", "deadline": "2026-12-01T10:00"}
    first = ugly("POST", ugly.home, body, Idempotency_Key="a")
    replayed = ugly("POST", "/v1/notes", body, Idempotency_Key="a")
    assert (replayed.json, replayed.headers["idempotent-replayed"]) == (first.json, "true")
    for change in ({"colour": "blue"}, {"deadline": "2026-12-01T09:00:00Z"}, {"state": "DOING"}):
        response = ugly("POST", ugly.home, {**body, **change}, Idempotency_Key="a")
        text = "This Idempotency-Key was used with another body"
        assert outcome(response) == fault(422, "IDEMPOTENCY_KEY_REUSED", text, response.json["http"][1]), change
    item = f"/v1/notes/{first.json['_id']}"
    changed = ugly("PATCH", item, {"colour": "blue"}, If_Match=first.headers["etag"])
    assert (changed.status, changed.headers["etag"] != first.headers["etag"]) == (200, True)
    stale = ugly("PATCH", item, {"colour": "green"}, If_Match=first.headers["etag"])
    assert outcome(stale) == fault(412, "PRECONDITION_FAILED", "The task has changed since", "Precondition Failed")
    assert ugly("POST", f"{item}/done", If_Match=first.headers["etag"]).status == 412
    assert ugly("GET", item, If_None_Match=changed.headers["etag"]).status == 304
    assert ugly("GET", item).json["item"]["colour"] == "blue"
    assert ugly("GET", ugly.home).json["counts"]["all"] == 1

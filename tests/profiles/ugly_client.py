"""An ugly client that needs every key of a profile at once, and checks of what it reads."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.http import Response
from tests.support.processes import Service
from tests.support.signing import token_for

PROFILE = Path(__file__).with_name("ugly.toml")
PAGE = "https://page.example"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CLEARED = (
    'ugly_sid=""; Domain=ugly.example; expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Path=/; SameSite=None; Secure'
)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
TWINS = {
    "_id": "ref",
    "ownerId": "owner",
    "headline": "text",
    "body": "notes",
    "ticked": "isDone",
    "dueAt": "deadline",
    "createdAt": "born",
    "updatedAt": "touched",
}


class Client:
    """The ugly client of one user: its token is in the cookie, and it says where its page is from."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.user_id = f"user-{uuid.uuid4().hex[:8]}"
        self.token = token_for(self.user_id)
        self.home = f"/ugly/{self.user_id}/notes"

    def __call__(
        self, method: str, path: str, body: object = None, *, cookie: str | None = None, **headers: str
    ) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {"Cookie": f"other=1; ugly_sid={cookie or self.token}", "Origin": PAGE, **named}
        return self.service.call(method, path, body, headers={name: text for name, text in given.items() if text})

    def make(self, headline: str = "Buy milk", **fields: object) -> str:
        response = self("POST", self.home, {"headline": headline, **fields})
        assert response.status == 200, response
        return str(response.json["_id"])

    def note(self, number: str, **changes: object) -> dict[str, Any]:
        """A whole note as the client reads it, with these changes of a new one; times are checked apart."""
        first = {"_id": number, "ownerId": self.user_id, "headline": "Buy milk", "body": None, "ticked": False}
        note: dict[str, Any] = {**first, "dueAt": None, "createdAt": TIME, "updatedAt": TIME}
        note |= {name: value for name, value in changes.items() if name in note}
        note |= {twin: note[name] for name, twin in TWINS.items()}
        further: dict[str, object] = {
            "state": "TODO",
            "priority": "low",
            "tags": [],
            "effort": None,
            "starred": False,
            "colour": None,
        }
        note |= {name: changes.get(name, value) for name, value in further.items()}
        return {**note, "href": f"{self.service.origin}{self.home}/{number}"}


def conforms(value: Any, expected: Any) -> bool:
    """Whether a value is as expected; a pattern stands for any text of its form."""
    if isinstance(expected, re.Pattern):
        return isinstance(value, str) and expected.fullmatch(value) is not None
    if isinstance(expected, dict) and isinstance(value, dict):
        return list(value) == list(expected) and all(conforms(value[key], each) for key, each in expected.items())
    if isinstance(expected, list) and isinstance(value, list):
        return len(value) == len(expected) and all(map(conforms, value, expected))
    return type(value) is type(expected) and bool(value == expected)


def is_item(response: Response, item: Mapping[str, Any], says: str) -> bool:
    expected = {"ok": True, "item": dict(sorted_like(response.json["item"], item)), "says": says, "nothing": None}
    return response.status == 200 and conforms(response.json, expected)


def sorted_like(value: Mapping[str, Any], expected: Mapping[str, Any]) -> dict[str, Any]:
    """The expected members in the order of the value's: the order of a note's members is not promised."""
    assert set(value) == set(expected), set(value) ^ set(expected)
    return {name: expected[name] for name in value}


def fault(status: int, code: str, text: str, reason: str, /, **fields: str) -> tuple[int, dict[str, Any]]:
    error: dict[str, Any] = {"code": code, "text": text}
    if fields:
        details = [{"field": name, "message": message} for name, message in fields.items()]
        error |= {"fields": fields, "details": details}
    return status, {"ok": False, "error": error, "http": [status, reason], "nothing": None}


def invalid(**fields: str) -> tuple[int, dict[str, Any]]:
    text = next(iter(fields.values())) if len(fields) == 1 else "The request is not valid"
    return fault(400, "VALIDATION_ERROR", text, "Bad Request", **fields)


def outcome(response: Response) -> tuple[int, Any]:
    return response.status, response.json

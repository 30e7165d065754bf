"""Fields that the canonical contract lacks. Their values are stored with the task, in one column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from api.profiles.names import humanize
from api.profiles.reading import Profile, ProfileError
from api.validation import LONGEST_LIST

MAX_NUMBER: Final = 2**53 - 1
"""Larger ones are not exact in JavaScript (RFC 8259, section 6)."""

_TEXT: Final[Mapping[str, Any]] = {"type": "string", "pattern": "^[^\\u0000]*$"}
_TYPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "text": _TEXT,
    "choice": _TEXT,
    "number": {"type": "number", "minimum": -MAX_NUMBER, "maximum": MAX_NUMBER},
    "boolean": {"type": "boolean"},
    "list": {"type": "array", "maxItems": LONGEST_LIST, "items": _TEXT},
}
_ALL: Final = ("", "all")
"""Values of a query parameter that stand for no filter: what a form sends for an empty field or its first option."""


class FurtherField:
    """One field: its name, type and default."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.name: str = table["name"]
        self._type: str = table["type"]
        self._choices: list[str] = table.get("choices", [])
        self.default: Any = table.get("default")

    @property
    def key(self) -> str:
        """Its key among the canonical members of a body. No canonical field has such a name."""
        return f"extra:{self.name}"

    def accepts(self, value: Any) -> bool:
        """Whether a value is of the field's type, and one of its choices."""
        if self._type == "boolean":
            return isinstance(value, bool)
        if self._type == "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= MAX_NUMBER
        if self._type == "list":
            return isinstance(value, list) and all(isinstance(each, str) for each in value)
        return isinstance(value, str) and (not self._choices or value in self._choices)

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its values. Null stands for the default."""
        rules = dict(_TYPES[self._type])
        rules["type"] = [rules["type"], "null"]
        if self._choices:
            rules["enum"] = [*self._choices, None]
        if self.default is not None:
            rules["default"] = self.default
        return {"title": humanize(self.name), "description": "Stored with the task.", **rules}

    def query_schema(self) -> dict[str, Any]:
        """The JSON Schema of the query parameter."""
        if self._choices:
            return {"type": "string", "enum": self._choices}
        return {"type": "string"} if self._type == "list" else dict(_TYPES[self._type])

    def show(self, task: Mapping[str, Any], extra: Mapping[str, Any], _: object = None) -> Any:
        """The stored value, or the default: also in place of a value that another profile has stored."""
        value = extra.get(self.name, self.default)
        return value if self.accepts(value) else self.default

    def parse(self, text: str) -> Any:
        """The value that a query parameter wants; None for no filter. Raises ValueError if it has another type."""
        if text in _ALL and text not in self._choices:
            return None
        if "\0" in text:
            raise ValueError(text)
        if self._type == "list":
            return [text]
        value: Any = orjson.loads(text) if self._type in ("number", "boolean") else text
        if not self.accepts(value):
            raise ValueError(text)
        return value


def read_fields(profile: Profile) -> list[FurtherField]:
    """The further fields of a profile. Raises ProfileError if a default is of another type."""
    fields = [FurtherField(table) for table in profile.document.get("fields", ())]
    for number, field in enumerate(fields):
        if field.default is not None and not field.accepts(field.default):
            raise ProfileError("is not a value of the field", "fields", number, "default")
    return fields

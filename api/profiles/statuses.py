"""Completion as a status of several values, of which one means done.

`completed` is the truth. Another value is stored beside it, and shown while it agrees with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api.errors import FieldError, ValidationFailed
from api.profiles.reading import ProfileError

STATUS: Final = "status"
"""The key of the status among the canonical members of a body, and its table in a profile."""


class Status:
    """The status of a profile."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        """Raises ProfileError if a value stands for two states."""
        self.name: str = table["name"]
        self.done: str = table["done"]
        self.open: str = table["open"]
        self._others: tuple[str, ...] = tuple(table["others"])
        self.values = (self.open, *self._others, self.done)
        if self.open == self.done:
            raise ProfileError(f"{self.open} is the value of done already", STATUS, "open")
        if not {self.done, self.open}.isdisjoint(self._others):
            raise ProfileError("must not have the value of done or open", STATUS, "others")

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its values."""
        return {
            "title": "Status",
            "description": f"The state of the task; `{self.done}` is completed.",
            "type": "string",
            "enum": list(self.values),
        }

    def show(self, task: Mapping[str, Any], extra: Mapping[str, Any], _: object = None) -> str:
        """The status of a task."""
        if task["completed"]:
            return self.done
        stored = extra.get(self.name)
        return stored if stored in self._others else self.open

    def contradicts(self, body: Mapping[str, Any], *, completed: object) -> bool:
        """Whether the status in a body says something else than `completed`."""
        return self.name in body and (body[self.name] == self.done) != completed

    def read(self, fields: dict[str, Any], completed_name: str) -> dict[str, str | None]:
        """Replace the status among the valid fields by `completed`. Return what is stored; None clears it.

        Raises ValidationFailed if `completed`, which the body calls `completed_name`, says something else.
        """
        if STATUS not in fields:
            return {}
        value = fields.pop(STATUS)
        completed = value == self.done
        if fields.setdefault("completed", completed) != completed:
            raise ValidationFailed(FieldError(STATUS, f"{self.name} and {completed_name} contradict each other"))
        return {self.name: value if value in self._others else None}

    def filter(self, value: str) -> tuple[str, dict[str, str], dict[str, str]]:
        """For one of the values: the canonical status, the wanted stored value, and its default."""
        if value == self.done:
            return "completed", {}, {}
        return "pending", {self.name: value}, {self.name: self.open}

"""The frontend's names of fields: one or more for each canonical field, or none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from api.errors import FieldError, ValidationFailed
from api.profiles.reading import ProfileError

_WORD_BREAK: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_-]+")


class FieldNames:
    """The names of the canonical fields, in one table of a profile and, for tasks, the table `also`."""

    def __init__(
        self, fields: Sequence[str], names: Mapping[str, Any], also: Mapping[str, Sequence[str]], *table: str
    ) -> None:
        """Raises ProfileError if two fields have the same name. `table` holds the table `names` in the profile."""
        self._names: dict[str, tuple[str, ...]] = {}
        owners: dict[str, str] = {}
        for field in fields:
            first = names.get(field, field)
            self._names[field] = (*((first,) if first else ()), *also.get(field, ()))
        for field, own in self._names.items():
            for name in own:
                if name in owners:
                    given = next(each for each in (field, owners[name]) if each in names or each in also)
                    where = "also" if name in also.get(given, ()) else "names"
                    raise ProfileError(f"{name} is a name of two fields", *table, where, given)
                owners[name] = field
        self._owners = owners
        self.all = frozenset(owners)

    def of(self, field: str) -> tuple[str, ...]:
        """All names of a field; none if the frontend has no such field."""
        return self._names[field]

    def shown(self, field: str) -> str:
        """The name of a field in messages."""
        return next(iter(self._names.get(field, ())), field)

    def with_others(self, others: Mapping[str, str]) -> FieldNames:
        """These names, and those of other members by their keys."""
        joined = FieldNames((), {}, {})
        joined._names = {**self._names, **{key: (name,) for key, name in others.items()}}
        joined._owners = {name: field for field, names in joined._names.items() for name in names}
        joined.all = frozenset(joined._owners)
        return joined

    def rename(self, errors: Sequence[FieldError], used: Mapping[str, str]) -> list[FieldError]:
        """The errors with the names that the body has, or with the first name of a missing member."""
        first = self.first()
        return [
            FieldError(used.get(error.field, first.get(error.field, error.field)), error.message) for error in errors
        ]

    def first(self) -> dict[str, str]:
        """The first name of each field that the frontend has."""
        return {field: names[0] for field, names in self._names.items() if names}

    def labels(self) -> dict[str, str]:
        """The label in messages of each field that has another name: `Due date` for `dueDate`."""
        return {field: humanize(names[0]) for field, names in self._names.items() if names and names[0] != field}

    def contradict(self, body: Mapping[str, Any]) -> bool:
        """Whether two names of a field have different values."""
        seen: dict[str, Any] = {}
        owned = ((self._owners[name], value) for name, value in body.items() if name in self._owners)
        return any(seen.setdefault(field, value) != value for field, value in owned)

    def to_canonical(self, body: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """The members with canonical names, and the name that the body has for each of these.

        Raises ValidationFailed if two names of a field have different values.
        """
        canonical: dict[str, Any] = {}
        used: dict[str, str] = {}
        for name, value in body.items():
            field = self._owners.get(name)
            if field is None:
                continue
            if field in canonical and canonical[field] != value:
                message = f"{name} and {used[field]} are the same field and must have the same value"
                raise ValidationFailed(FieldError(name, message))
            canonical[field], used[field] = value, name
        return canonical, used


def humanize(name: str) -> str:
    """A member's name as words: `is_complete` and `isComplete` are `Is complete`."""
    return _WORD_BREAK.sub(" ", name).strip().lower().capitalize()

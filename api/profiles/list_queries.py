"""The query parameters of a list in a profile: the frontend's names and values, and filters by its further fields."""

from __future__ import annotations

import copy
import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final

from api.errors import FieldError, ValidationFailed
from api.list_queries import ListQuery, parse_list_query
from api.profiles.names import humanize
from api.profiles.reading import Profile, ProfileError
from api.profiles.task_fields import TaskFields
from api.reading import parse_query
from api.validation import SCHEMAS, Schema

_CANONICAL: Final = SCHEMAS["task-query.json"]
_OFFSET: Final[Mapping[str, Any]] = {
    "title": "Offset",
    "description": "Tasks to leave out before the first. Not together with page or cursor.",
    "type": "integer",
    "minimum": 0,
    "maximum": 1_000_000_000,
}
_PAGING: Final = ("limit", "page", "cursor")
"""Parameters that a field of the same name does not replace: links to other pages need them."""

_SORTABLE: Final = ("created_at", "updated_at", "title", "due_date")

COUNTS: Final = frozenset({"count", "total", "pages", "completed_count", "pending_count", "has_more"})
"""The values of a list's template that need a count of what the filters match."""


class QueryFormat:
    """Turns a query string into a ListQuery."""

    def __init__(self, profile: Profile, fields: TaskFields, values: frozenset[str]) -> None:
        """Compile the table about the query. `values` are those that the list's template names. Raises ProfileError."""
        table: Mapping[str, Mapping[str, Any]] = profile.table("query")
        self._status = fields.status
        self._further = {each.name: each for each in fields.further}
        self._owners = self._name(table)
        self._check_values(table)
        self._values: dict[str, Mapping[str, str]] = {name: rules.get("values", {}) for name, rules in table.items()}
        sorts = {name: field for field in _SORTABLE for name in fields.names.of(field)}
        self._values["sort"] = {**sorts, **self._values.get("sort", {})}
        self.names = {parameter: name for name, parameter in reversed(self._owners.items())}
        """The frontend's first name of each parameter."""
        self.document = copy.deepcopy(_CANONICAL)
        if "offset" in self.names:
            self.document["properties"]["offset"] = _OFFSET
        self._schema = Schema(self.document, self.names)
        self._all = ListQuery(with_extra=fields.needs_extra, names=fields.renamed, counted=bool(values & COUNTS))

    def describe(self, parameter: str, rules: Mapping[str, Any]) -> dict[str, Any]:
        """The rules of a canonical parameter with the frontend's values beside the canonical ones."""
        further = list(self._values.get(parameter, {}))
        if parameter == "status" and self._status is not None:
            further += self._status.values
        if "enum" not in rules or not further:
            return dict(rules)
        return {**rules, "enum": list(dict.fromkeys([*rules["enum"], *further]))}

    def parse(self, query_string: str) -> ListQuery:
        """What of the list is asked for. Raises ValidationFailed, with the frontend's names."""
        if not query_string:
            return self._all
        given, used, wanted = self._read(query_string)
        default = {name: self._further[name].default for name in wanted}
        if self._status is not None and given.get("status") in self._status.values:
            given["status"], stored, shown = self._status.filter(given["status"])
            wanted, default = {**wanted, **stored}, {**default, **shown}
        try:
            query = parse_list_query(self._schema.validate_query(given.items()))
        except ValidationFailed as ex:
            renamed = [FieldError(used.get(error.field, error.field), error.message) for error in ex.fields]
            raise ValidationFailed(*renamed) from None
        return replace(
            query,
            with_extra=self._all.with_extra,
            names=self._all.names,
            counted=self._all.counted,
            wanted_extra=wanted,
            default_extra=default,
        )

    def ignored(self, query_string: str) -> list[str]:
        """The parameters that this profile does not know."""
        return [name for name, _ in parse_query(query_string) if name not in self._owners and name not in self._further]

    def kept(self, query_string: str, without: Collection[str]) -> list[tuple[str, str]]:
        """The known parameters of a query string, except these canonical ones."""
        return [(name, text) for name, text in parse_query(query_string) if self._is_known(name, without)]

    def _is_known(self, name: str, without: Collection[str]) -> bool:
        parameter = self._owners.get(name)
        return name in self._further if parameter is None else parameter not in without

    def _read(self, query_string: str) -> tuple[dict[str, str], dict[str, str], dict[str, Any]]:
        """The canonical parameters, the name of each in the query string, and the wanted further fields."""
        given: dict[str, str] = {}
        used: dict[str, str] = {}
        wanted: dict[str, Any] = {}
        for name, text in parse_query(query_string):
            parameter = self._owners.get(name)
            if parameter in given or name in wanted:
                raise ValidationFailed(FieldError(name, f"{humanize(name)} must be given once"))
            if parameter is not None:
                given[parameter] = self._values.get(parameter, {}).get(text, text)
                used[parameter] = name
            elif name in self._further:
                try:
                    value = self._further[name].parse(text)
                except ValueError:
                    raise ValidationFailed(FieldError(name, f"{humanize(name)} is not valid")) from None
                if value is not None:
                    wanted[name] = value
        return given, used, wanted

    def _check_values(self, table: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise ProfileError if a value of the frontend stands for no canonical one."""
        for parameter, rules in table.items():
            allowed = _CANONICAL["properties"].get(parameter, {}).get("enum", ())
            if parameter == "status" and self._status is not None:
                allowed = (*allowed, *self._status.values)
            for name, value in rules.get("values", {}).items() if allowed else ():
                if value not in allowed:
                    reason = f"{json.dumps(value)} is no value of {parameter}; allowed: {', '.join(allowed)}"
                    raise ProfileError(reason, "query", parameter, "values", name)

    def _name(self, table: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        """The canonical parameter of each of the frontend's names."""
        owners: dict[str, str] = {}
        for parameter, rules in table.items():
            for name in rules.get("names", ()):
                taken = owners.get(name) or ("a field" if name in self._further else None)
                if taken is not None:
                    raise ProfileError(f"{name} is a name of {taken} already", "query", parameter, "names")
                owners[name] = parameter
        if self._status is not None and owners.setdefault(self._status.name, "status") != "status":
            owner = owners[self._status.name]
            raise ProfileError(f"{self._status.name} is the name of the status already", "query", owner, "names")
        for parameter in _CANONICAL["properties"]:
            if parameter in _PAGING or parameter not in self._further:
                owners.setdefault(parameter, parameter)
        return owners

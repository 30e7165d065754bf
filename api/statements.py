"""Peewee queries rendered to SQL once, run many times with other values.

Building a Peewee query costs more than PostgreSQL takes to answer it, so nothing is built on a request's way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import peewee

_DIALECT: Final = peewee.PostgresqlDatabase(None)


class Parameter(peewee.ColumnBase):
    """A named place for a value, filled in when the statement runs."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __sql__(self, ctx: Any) -> Any:
        return ctx.value(_Placeholder(self.name), converter=False)


@dataclass(frozen=True, slots=True)
class _Placeholder:
    name: str


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with `%s` places, and the names of the values for them in order."""

    sql: str
    names: tuple[str, ...]

    def bind(self, values: Mapping[str, object]) -> list[object]:
        """The values in the statement's order; KeyError for one that is missing."""
        return [values[name] for name in self.names]


def render(query: Any) -> Statement:
    """Render a Peewee query whose every value is a `Parameter`; constants are written as `peewee.SQL`."""
    sql, places = _DIALECT.get_sql_context().sql(query).query()
    for place in places:
        if not isinstance(place, _Placeholder):
            raise TypeError(f"a constant among the parameters: {place!r}")
    return Statement(sql, tuple(place.name for place in places))

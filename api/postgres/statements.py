"""Peewee queries rendered to SQL once, run many times with other values.

Building a Peewee query costs more than PostgreSQL takes to answer it, so nothing is built on a request's way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import peewee

from api.postgres.database import Database

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

    def run(
        self, database: Database, values: Mapping[str, object], *, repeatable: bool = False
    ) -> list[tuple[Any, ...]]:
        """Its rows with these values by name; `repeatable` and the errors raised are those of `Database.run`."""
        parameters = [values[name] for name in self.names]
        return database.run(self.sql, parameters, repeatable=repeatable, prepared=True)


def render(query: Any) -> Statement:
    """Render a Peewee query whose every value is a `Parameter`; constants are written as `peewee.SQL`."""
    sql, places = _DIALECT.get_sql_context().sql(query).query()
    for place in places:
        if not isinstance(place, _Placeholder):
            raise TypeError(f"a constant among the parameters: {place!r}")
    return Statement(sql, tuple(place.name for place in places))

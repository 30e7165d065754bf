"""Peewee queries, rendered to SQL once and run many times with different values.

To build a Peewee query costs more than to run it, so no query is built while a request waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import peewee

from api.postgres.database import Database

_DIALECT: Final = peewee.PostgresqlDatabase(None)


class Parameter(peewee.ColumnBase):
    """A named placeholder. Its value is given when the statement runs."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __sql__(self, ctx: Any) -> Any:
        return ctx.value(_Placeholder(self.name), converter=False)


@dataclass(frozen=True, slots=True)
class _Placeholder:
    name: str


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with `%s` placeholders, and the names of their values in order."""

    sql: str
    names: tuple[str, ...]

    def run(
        self, database: Database, values: Mapping[str, object], *, repeatable: bool = False, at_least: float = 0.0
    ) -> list[tuple[Any, ...]]:
        """Run the statement with these values. The options, the rows and the errors are those of `Database.run`."""
        parameters = [values[name] for name in self.names]
        return database.run(self.sql, parameters, repeatable=repeatable, prepared=True, at_least=at_least)


def render(query: Any) -> Statement:
    """Render a Peewee query. Each of its values must be a `Parameter`; write constants as `peewee.SQL`."""
    sql, placeholders = _DIALECT.get_sql_context().sql(query).query()
    for placeholder in placeholders:
        if not isinstance(placeholder, _Placeholder):
            raise TypeError(f"not a Parameter: {placeholder!r}; write a constant as peewee.SQL")
    return Statement(sql, tuple(placeholder.name for placeholder in placeholders))

"""The SQL of single tasks, rendered once. Ownership is part of each WHERE."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from peewee import SQL, EnclosedNodeList, NodeList, fn

from api.folding import NEXT_FOLDED_VERSION, next_folded_version
from api.idempotency import insert_with_key
from api.models import Task
from api.postgres.statements import Parameter, Statement, render
from api.task_rows import select_list

_OWN_TASK: Final = (Task.user_id == Parameter("user_id")) & (Task.id == Parameter("task_id"))

_ONE_LATER: Final = NodeList(
    (
        EnclosedNodeList((NodeList((Task.updated_at, SQL("AT TIME ZONE 'UTC' + interval '1 microsecond'"))),)),
        SQL("AT TIME ZONE 'UTC'"),
    )
)
_NEXT_VERSION: Final = {
    Task.version: Task.version + SQL("1"),
    # The statement may have begun before the last write, behind whose row lock it waited.
    Task.updated_at: fn.greatest(fn.statement_timestamp(), _ONE_LATER),
}

FIND: Final = render(Task.select(*select_list(extra=True)).where(_OWN_TASK))
EXISTS: Final = render(Task.select(SQL("1")).where(Task.id == Parameter("task_id")))


def _write_condition(conditional: bool) -> Any:
    return _OWN_TASK & (Task.version == fn.ANY(Parameter("versions"))) if conditional else _OWN_TASK


_CHANGED_EXTRA: Final = fn.nullif(
    NodeList(
        (
            EnclosedNodeList((fn.coalesce(Task.extra, SQL("'{}'")).concat(Parameter("extra")),)),
            SQL("-"),
            NodeList((Parameter("extra_dropped"), SQL("::text[]"))),
        )
    ),
    SQL("'{}'"),
)
"""The stored further fields with those that are given, and without those that have their default again."""


@cache
def update(fields: tuple[str, ...], conditional: bool) -> Statement:
    """Changes these columns of a task; `conditional`: only at one of the `versions`."""
    changes: dict[Any, Any] = {Task._meta.fields[name]: Parameter(name) for name in fields if name != "extra"}
    if "extra" in fields:
        changes[Task.extra] = _CHANGED_EXTRA
    query = Task.update({**changes, **_NEXT_VERSION, **next_folded_version(fields)}).where(
        _write_condition(conditional)
    )
    return render(query.returning(*select_list(extra=True)))


@cache
def toggle(conditional: bool) -> Statement:
    """Flips the completion of a task."""
    query = Task.update({Task.completed: fn.NOT(Task.completed), **_NEXT_VERSION, **NEXT_FOLDED_VERSION})
    return render(query.where(_write_condition(conditional)).returning(*select_list(extra=True)))


@cache
def delete(conditional: bool) -> Statement:
    """Deletes a task."""
    return render(Task.delete().where(_write_condition(conditional)).returning(Task.id))


DELETE_ALL: Final = render(Task.delete().where(Task.user_id == Parameter("user_id")).returning(Task.id))

NEW_TASK: Final[Mapping[str, Any]] = {
    "description": None,
    "completed": False,
    "due_at": None,
    "due_all_day": False,
    "description_folded": None,
    "folded_version": 1,
    "extra": None,
}
_NEW_COLUMNS: Final = ("user_id", "title", "title_folded", *NEW_TASK)

INSERT: Final = render(
    Task.insert({Task._meta.fields[name]: Parameter(name) for name in _NEW_COLUMNS}).returning(*select_list(extra=True))
)
INSERT_WITH_KEY: Final = insert_with_key(_NEW_COLUMNS, returning=INSERT.sql.partition(" RETURNING ")[2])

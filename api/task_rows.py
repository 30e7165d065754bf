"""How a task's row becomes what clients see: the select list, and the reading of it. No queries.

Times are selected without a zone, in UTC, and arrive as text (api/postgres/connection.py): driver objects for them
would cost more than the rest of a list, and a cast to text is no immutable function, which RETURNING must have on a
distributed PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from peewee import SQL, NodeList

from api.models import Task

COLUMNS: Final = (
    "id",
    "title",
    "description",
    "completed",
    "due",
    "due_all_day",
    "created",
    "updated",
    "version",
)
"""Names for what `select_list` selects, in its order. The owner is not among them: every caller knows it."""

EXTRA: Final = len(COLUMNS)
"""The place in a row of the further fields, where they are selected: a dictionary, or None."""

_TIMES: Final = ("due", "created", "updated")

_TABLE_COLUMNS: Final = tuple(getattr(Task, f"{name}_at" if name in _TIMES else name) for name in COLUMNS)

_WITH_FRACTION: Final = len("2026-02-06 10:15:30.123456")


def table_columns(*, extra: bool) -> list[Any]:
    """The table's columns that a subquery gives for `select_list` to read."""
    return [*_TABLE_COLUMNS, *([Task.extra] if extra else ())]


def select_list(source: Any = Task, *, extra: bool) -> list[Any]:
    """The select list whose rows `as_tasks` reads, from the table or a subquery of its columns.

    With `extra` the further fields are selected as well.
    """
    columns = [
        NodeList((getattr(source, f"{name}_at"), SQL("AT TIME ZONE 'UTC'")))
        if name in _TIMES
        else getattr(source, name)
        for name in COLUMNS
    ]
    return [*columns, source.extra] if extra else columns


def as_tasks(user_id: str, rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """The tasks of one user, from rows of `select_list` without their further fields."""
    return [
        {
            "id": task_id,
            "user_id": user_id,
            "title": title,
            "description": description,
            "completed": completed,
            "due_date": due and (due[:10] if all_day else _rfc3339(due)),
            "created_at": _rfc3339(created),
            "updated_at": _rfc3339(updated),
        }
        for task_id, title, description, completed, due, all_day, created, updated, _ in rows
    ]


def as_renamed_tasks(user_id: str, rows: Iterable[Sequence[Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    """The same with other names of the members, in their order. To rename them later would take as long again."""
    id_, owner, title_, description_, completed_, due_date, created_at, updated_at = names
    return [
        {
            id_: task_id,
            owner: user_id,
            title_: title,
            description_: description,
            completed_: completed,
            due_date: due and (due[:10] if all_day else _rfc3339(due)),
            created_at: _rfc3339(created),
            updated_at: _rfc3339(updated),
        }
        for task_id, title, description, completed, due, all_day, created, updated, _ in rows
    ]


def _rfc3339(text: str) -> str:
    """PostgreSQL's `2026-02-06 10:15:30.12` as `2026-02-06T10:15:30.120000Z`."""
    if len(text) != _WITH_FRACTION:
        text = f"{text[:19]}.{text[20:]:0<6}"
    return text.replace(" ", "T") + "Z"

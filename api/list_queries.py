"""What of a list is asked for: the query's parameters, and cursors. No SQL, no HTTP.

A cursor is a position in a sorted list. It holds values, not a row: it outlives its task.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import orjson

from api.due_dates import parse_date_time, parse_due_date
from api.errors import FieldError, ValidationFailed
from api.list_statements import BEFORE_EVERY_DATE
from api.text import fold

MAX_WORDS: Final = 10
"""Words of a search: each costs a pass over the text."""

DEFAULT_LIMIT: Final = 50
"""Tasks a page where only `page` or `cursor` is given."""

_SORT_NAMES: Final = {"created_at": "created", "updated_at": "updated"}
_FIELD_OF_SORT: Final = {
    "created": "created_at",
    "updated": "updated_at",
    "title": "title",
    "due_date": "due_date",
}
_ASCENDING_BY_DEFAULT: Final = frozenset({"title", "due_date"})


class Position(NamedTuple):
    """A place in a sorted list: the sort value and the id of the task before it."""

    value: str
    task_id: int


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What of a list is asked for; `limit` None means all of it, `page` None a walk by cursor."""

    completed: bool | None = None
    words: tuple[str, ...] = ()
    sort: str = "created"
    descending: bool = True
    limit: int | None = None
    page: int | None = None
    position: Position | None = None
    offset: int = 0
    with_extra: bool = False
    wanted_extra: Mapping[str, Any] = field(default_factory=dict)
    """Further fields and the values that they must have; a list must hold the value's items."""
    default_extra: Mapping[str, Any] = field(default_factory=dict)
    """The values of the wanted fields in a task that stores none."""
    names: tuple[str, ...] | None = None
    """Other names of a task's members."""
    counted: bool = False
    """Whether all tasks, and the completed ones, are counted."""


def parse_list_query(parameters: Mapping[str, Any]) -> ListQuery:
    """A ListQuery from parameters that the schema found valid.

    Raises ValidationFailed for too many words, and for a cursor that is not ours.
    """
    words = fold(parameters.get("search", "")).split()
    if len(words) > MAX_WORDS:
        raise ValidationFailed(FieldError("search", f"Search must have at most {MAX_WORDS} words"))
    sort = parameters.get("sort", "created")
    sort = _SORT_NAMES.get(sort, sort)
    order = parameters.get("order", "asc" if sort in _ASCENDING_BY_DEFAULT else "desc")
    descending = order == "desc"
    cursor = parameters.get("cursor")
    limit = parameters.get("limit")
    offset = parameters.get("offset")
    page = parameters.get("page", 1 if limit is not None and cursor is None and offset is None else None)
    if offset is not None and (page is not None or cursor is not None):
        raise ValidationFailed(FieldError("offset", "Offset cannot be given together with page or cursor"))
    if limit is None and (page is not None or cursor is not None):
        limit = DEFAULT_LIMIT
    return ListQuery(
        completed={"pending": False, "completed": True}.get(parameters.get("status", "all")),
        words=tuple(dict.fromkeys(words)),
        sort=sort,
        descending=descending,
        limit=limit,
        page=page,
        offset=offset or 0,
        position=decode_cursor(cursor, sort, descending) if cursor is not None else None,
    )


def position_after(query: ListQuery, last: Mapping[str, Any]) -> Position:
    """The position behind a task in a list."""
    value = _position_value(query.sort, query.descending, last[_FIELD_OF_SORT[query.sort]])
    return Position(value, last["id"])


def encode_cursor(query: ListQuery, last: Mapping[str, Any]) -> str:
    """The cursor for what comes behind a task in a list."""
    value = last[_FIELD_OF_SORT[query.sort]]
    content = orjson.dumps([query.sort, query.descending, value, last["id"]])
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def decode_cursor(cursor: str, sort: str, descending: bool) -> Position:
    """The place that a cursor of this sort names; clients may forge one, and then name another place of their own."""
    try:
        content = orjson.loads(b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        cursor_sort, cursor_descending, value, task_id = content
        if not isinstance(task_id, int) or isinstance(task_id, bool) or not 0 < task_id < 2**63:
            raise ValueError("no task id")
        position = Position(_position_value(cursor_sort, cursor_descending, value), task_id)
    except (ValueError, TypeError, UnicodeError, binascii.Error):
        raise ValidationFailed(FieldError("cursor", "Cursor is not one that a list gave")) from None
    if (cursor_sort, cursor_descending) != (sort, descending):
        raise ValidationFailed(FieldError("cursor", "Cursor belongs to another sort or order"))
    return position


def _position_value(sort: str, descending: bool, value: str | None) -> str:
    if sort == "title" and isinstance(value, str) and "\0" not in value:
        return value
    if sort == "due_date":
        if value is None:
            return BEFORE_EVERY_DATE if descending else "infinity"
        return parse_due_date(value).at.isoformat()
    if sort in _FIELD_OF_SORT and value is not None:
        return parse_date_time(value).at.isoformat()
    raise ValueError("no sort value")

"""A user's list of tasks: filters, sorts, pages and cursors. No HTTP.

Every sort has an index of its own led by user_id (migrations/), and a cursor is a place in that index, so the last
page of a walk costs what the first did. A cursor holds values, not a row: whatever is deleted, it stays a place.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

import orjson
from peewee import SQL, EnclosedNodeList, NodeList, Tuple, fn

from api.due_dates import parse_date_time, parse_due_date
from api.errors import FieldError, ValidationFailed
from api.models import Task
from api.postgres.database import Database
from api.postgres.statements import Parameter, Statement, render
from api.task_rows import as_tasks, select_list

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


class TaskPage(NamedTuple):
    """Some of a list; `total` is counted for numbered pages only, `next_cursor` is None at the end."""

    tasks: list[dict[str, Any]]
    next_cursor: str | None = None
    total: int | None = None


def parse_list_query(parameters: Mapping[str, Any]) -> ListQuery:
    """A ListQuery from parameters that the schema found valid; ValidationFailed for a cursor that is not ours."""
    sort = parameters.get("sort", "created")
    sort = _SORT_NAMES.get(sort, sort)
    order = parameters.get("order", "asc" if sort in _ASCENDING_BY_DEFAULT else "desc")
    descending = order == "desc"
    cursor = parameters.get("cursor")
    limit = parameters.get("limit")
    page = parameters.get("page", 1 if limit is not None and cursor is None else None)
    if limit is None and (page is not None or cursor is not None):
        limit = DEFAULT_LIMIT
    return ListQuery(
        completed={"pending": False, "completed": True}.get(parameters.get("status", "all")),
        words=tuple(parameters.get("search", "").split()),
        sort=sort,
        descending=descending,
        limit=limit,
        page=page,
        position=_decode_cursor(cursor, sort, descending) if cursor is not None else None,
    )


def list_tasks(database: Database, user_id: str, query: ListQuery) -> TaskPage:
    """The user's tasks that `query` asks for, in its order."""
    values = _values(user_id, query)
    statement = _select(
        query.sort,
        query.descending,
        by_status=query.completed is not None,
        by_words=bool(query.words),
        positioned=query.position is not None,
        limited=query.limit is not None,
    )
    rows = statement.run(database, values, repeatable=True)
    tasks = as_tasks(user_id, rows[: query.limit])
    next_cursor = _encode_cursor(query, tasks[-1]) if len(rows) > len(tasks) else None
    if query.page is None:
        return TaskPage(tasks, next_cursor)
    count = _count(by_status=query.completed is not None, by_words=bool(query.words))
    total: int = count.run(database, values, repeatable=True)[0][0]
    return TaskPage(tasks, next_cursor, total)


def _values(user_id: str, query: ListQuery) -> dict[str, object]:
    limit, position = query.limit or 0, query.position or Position("", 0)
    return {
        "user_id": user_id,
        "completed": query.completed,
        "words": "\n".join(f"%{_escape_like(word)}%" for word in query.words),
        "value": position.value,
        "task_id": position.task_id,
        # One more than asked for tells whether there is a next page.
        "limit": limit + 1,
        "offset": ((query.page or 1) - 1) * limit,
    }


def _escape_like(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


@cache
def _select(
    sort: str, descending: bool, *, by_status: bool, by_words: bool, positioned: bool, limited: bool
) -> Statement:
    keys = [*_sort_keys(sort, descending), Task.id]
    where = _filter(by_status=by_status, by_words=by_words)
    if positioned:
        here, there = Tuple(*keys), Tuple(*_position_keys(sort), Parameter("task_id"))
        where &= here < there if descending else here > there
    query = Task.select(*select_list()).where(where)
    query = query.order_by(*(key.desc() if descending else key.asc() for key in keys))
    if limited:
        query = query.limit(Parameter("limit")).offset(Parameter("offset"))
    return render(query)


@cache
def _count(*, by_status: bool, by_words: bool) -> Statement:
    return render(Task.select(fn.count(SQL("*"))).where(_filter(by_status=by_status, by_words=by_words)))


def _filter(*, by_status: bool, by_words: bool) -> Any:
    where = Task.user_id == Parameter("user_id")
    if by_status:
        where &= Task.completed == Parameter("completed")
    if by_words:
        # A word holds no white space, so none can match across the line break between the two texts.
        text = fn.lower(Task.title.concat(SQL("E'\\n'")).concat(fn.coalesce(Task.description, SQL("''"))))
        # ILIKE would fold the text anew for each word.
        words = fn.string_to_array(fn.lower(Parameter("words")), SQL("E'\\n'"))
        where &= NodeList((text, SQL("LIKE ALL"), EnclosedNodeList((words,))))
    return where


def _sort_keys(sort: str, descending: bool) -> Sequence[Any]:
    if sort == "title":
        return (_title_key(Task.title),)
    if sort == "due_date":
        # Tasks without a due date come last in both directions.
        return (fn.coalesce(Task.due_at, SQL("'-infinity'" if descending else "'infinity'")),)
    return (Task._meta.fields[_FIELD_OF_SORT[sort]],)


def _title_key(title: Any) -> Any:
    # Exactly what the index holds: titles that begin with the same 400 characters are as one, and go by id.
    return fn.left(fn.lower(title), SQL("400"))


def _position_keys(sort: str) -> Sequence[Any]:
    if sort == "title":
        return (_title_key(Parameter("value")),)
    return (Parameter("value"),)


def _encode_cursor(query: ListQuery, last: Mapping[str, Any]) -> str:
    value = last[_FIELD_OF_SORT[query.sort]]
    content = orjson.dumps([query.sort, query.descending, value, last["id"]])
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _decode_cursor(cursor: str, sort: str, descending: bool) -> Position:
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
            return "-infinity" if descending else "infinity"
        return parse_due_date(value).at.isoformat()
    if sort in _FIELD_OF_SORT and value is not None:
        return parse_date_time(value).at.isoformat()
    raise ValueError("no sort value")

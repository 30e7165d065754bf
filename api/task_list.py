"""A user's list of tasks: filters, sorts, pages and cursors. No HTTP.

Every list is one stretch of an index led by user_id (migrations/), or two that are merged, and a cursor is a position
in it, so the last page of a walk costs what the first did. A cursor holds values, not a row: it outlives its task.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, NamedTuple

import orjson
from peewee import SQL, EnclosedNodeList, NodeList, Select, Tuple, fn

from api.due_dates import parse_date_time, parse_due_date
from api.errors import FieldError, ValidationFailed
from api.folding import SEARCH_TEXT, TITLE_KEY, fold_for_request, title_key
from api.models import Task
from api.postgres.database import Database
from api.postgres.statements import Parameter, Statement, render
from api.task_rows import EXTRA, as_renamed_tasks, as_tasks, select_list, table_columns
from api.text import fold

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

MAX_ROWS: Final = 2**31
"""The limit of a list without one."""

_LAST_ID: Final = 2**63 - 1

BEFORE_EVERY_DATE: Final = "-infinity"
_NEVER: Final = SQL("'infinity'")
_DUE_KEY: Final = fn.coalesce(Task.due_at, _NEVER)
_TITLE: Final = NodeList((Task.title, SQL('COLLATE "C"')))

# The index by title holds the folded title's beginning; PostgreSQL sorts titles that fold alike as it walks it.
_SORT_KEYS: Final[Mapping[str, tuple[Any, ...]]] = {
    "created": (Task.created_at, Task.id),
    "updated": (Task.updated_at, Task.id),
    "title": (TITLE_KEY, _TITLE, Task.id),
    "due_date": (_DUE_KEY, Task.id),
}
_BY_VALUE: Final = (Parameter("value"), Parameter("task_id"))
_POSITION_KEYS: Final[Mapping[str, tuple[Any, ...]]] = {
    "created": _BY_VALUE,
    "updated": _BY_VALUE,
    "title": (Parameter("value_key"), *_BY_VALUE),
    "due_date": _BY_VALUE,
}
_UNDATED_POSITION: Final = (_NEVER, Parameter("undated_id"))


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
    """Whether the completed tasks are counted too."""


class TaskPage(NamedTuple):
    """Some of a list; `next_cursor` is None at the end.

    `extras` are the further fields of each task, if the query asks for them. `total` and `completed` count what the
    filters match, if the query has a page's number or asks for the counts.
    """

    tasks: list[dict[str, Any]]
    extras: list[dict[str, Any] | None]
    next_cursor: str | None = None
    total: int | None = None
    completed: int | None = None


def parse_list_query(parameters: Mapping[str, Any]) -> ListQuery:
    """A ListQuery from parameters that the schema found valid; ValidationFailed for a cursor that is not ours."""
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
        words=tuple(fold(parameters.get("search", "")).split()),
        sort=sort,
        descending=descending,
        limit=limit,
        page=page,
        offset=offset or 0,
        position=_decode_cursor(cursor, sort, descending) if cursor is not None else None,
    )


def list_tasks(database: Database, user_id: str, query: ListQuery) -> TaskPage:
    """The user's tasks that `query` asks for, in its order."""
    by_status, by_words, by_extra = query.completed is not None, bool(query.words), bool(query.wanted_extra)
    if by_words or query.sort == "title":
        fold_for_request(database, user_id)
    values = _values(user_id, query)
    statement = _select(
        query.sort,
        query.descending,
        by_status=by_status,
        by_words=by_words,
        by_extra=by_extra,
        positioned=query.position is not None,
        with_extra=query.with_extra,
    )
    rows = statement.run(database, values, repeatable=True)
    listed, extras = rows[: query.limit], []
    if query.with_extra:
        extras = [row[EXTRA] for row in listed]
        listed = [row[:EXTRA] for row in listed]
    tasks = as_tasks(user_id, listed) if query.names is None else as_renamed_tasks(user_id, listed, query.names)
    next_cursor = _encode_cursor(query, as_tasks(user_id, listed[-1:])[0]) if len(rows) > len(listed) else None
    if query.page is None and not query.counted:
        return TaskPage(tasks, extras, next_cursor)
    count = _count(by_status=by_status, by_words=by_words, by_extra=by_extra)
    total, completed = count.run(database, values, repeatable=True)[0]
    return TaskPage(tasks, extras, next_cursor, total, completed)


def _values(user_id: str, query: ListQuery) -> dict[str, object]:
    # One more than asked for tells whether there is a next page.
    limit = MAX_ROWS if query.limit is None else query.limit + 1
    offset = query.offset + ((query.page or 1) - 1) * (query.limit or 0)
    value, task_id = query.position or Position("", 0)
    return {
        "user_id": user_id,
        "completed": query.completed,
        **_extra_values(query),
        "words": "\n".join(f"%{_escape_like(word)}%" for word in query.words),
        "value": value,
        "value_key": title_key(value),
        "task_id": task_id,
        # In descending order every task with a due date comes before all that have none.
        "undated_id": task_id if value == BEFORE_EVERY_DATE else _LAST_ID,
        "limit": limit,
        "offset": offset,
        "reach": limit + offset,
    }


def _extra_values(query: ListQuery) -> dict[str, object]:
    if not query.wanted_extra:
        return {}
    wanted, default = orjson.dumps(query.wanted_extra), orjson.dumps(query.default_extra)
    return {"wanted_extra": wanted.decode(), "default_extra": default.decode()}


def _escape_like(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


@cache
def _select(
    sort: str,
    descending: bool,
    *,
    by_status: bool,
    by_words: bool,
    by_extra: bool,
    positioned: bool,
    with_extra: bool,
) -> Statement:
    where = _filter(by_status=by_status, by_words=by_words, by_extra=by_extra)
    columns = table_columns(extra=with_extra)
    keys = _SORT_KEYS[sort]
    position = _POSITION_KEYS[sort]
    if sort == "created" and not by_status:
        halves = [where & (Task.completed == SQL(state)) for state in ("false", "true")]
        branches = [_branch(columns, half, keys, descending, position if positioned else None) for half in halves]
        return _merge(branches, lambda listed: _in_order((listed.created_at, listed.id), descending), with_extra)
    if sort == "due_date" and descending:
        # A position bounds the dated tasks by itself. With a second bound, PostgreSQL walks to it from the wrong one.
        dated_only = where if positioned else where & (_DUE_KEY < _NEVER)
        dated = _branch(columns, dated_only, keys, descending, position if positioned else None)
        # An equality would make the key a constant, and a walk of everybody's tasks by id look like one in this order.
        undated = _branch(
            columns, where & (_DUE_KEY >= _NEVER), keys, descending, _UNDATED_POSITION if positioned else None
        )
        return _merge(
            [dated, undated],
            lambda listed: [listed.due_at.is_null(), *_in_order((listed.due_at, listed.id), True)],
            with_extra,
        )
    query = _sorted(
        Task.select(*select_list(extra=with_extra)), where, keys, descending, position if positioned else None
    )
    return render(query.limit(Parameter("limit")).offset(Parameter("offset")))


def _sorted(query: Any, where: Any, keys: Sequence[Any], descending: bool, position: Sequence[Any] | None) -> Any:
    if position is not None:
        here, there = Tuple(*keys), Tuple(*position)
        where &= here < there if descending else here > there
    return query.where(where).order_by(*_in_order(keys, descending))


def _branch(
    columns: Sequence[Any], where: Any, keys: Sequence[Any], descending: bool, position: Sequence[Any] | None
) -> Any:
    """A part of a list that is one stretch of an index, as far as a page of the whole list can reach into it."""
    return _sorted(Task.select(*columns), where, keys, descending, position).limit(Parameter("reach"))


def _merge(branches: Sequence[Any], order: Callable[[Any], Sequence[Any]], with_extra: bool) -> Statement:
    first, second = branches
    listed = first.union_all(second).alias("listed")
    query = Select([listed], select_list(listed.c, extra=with_extra)).order_by(*order(listed.c))
    return render(query.limit(Parameter("limit")).offset(Parameter("offset")))


def _in_order(keys: Sequence[Any], descending: bool) -> list[Any]:
    return [key.desc() if descending else key.asc() for key in keys]


@cache
def _count(*, by_status: bool, by_words: bool, by_extra: bool) -> Statement:
    total = fn.count(SQL("*"))
    query = Task.select(total, total.filter(Task.completed))
    return render(query.where(_filter(by_status=by_status, by_words=by_words, by_extra=by_extra)))


def _filter(*, by_status: bool, by_words: bool, by_extra: bool) -> Any:
    where = Task.user_id == Parameter("user_id")
    if by_status:
        where &= Task.completed == Parameter("completed")
    if by_words:
        words = fn.string_to_array(Parameter("words"), SQL("E'\\n'"))
        where &= NodeList((SEARCH_TEXT, SQL("LIKE ALL"), EnclosedNodeList((words,))))
    if by_extra:
        extra = NodeList((Parameter("default_extra"), SQL("::jsonb ||"), fn.coalesce(Task.extra, SQL("'{}'"))))
        where &= NodeList((EnclosedNodeList((extra,)), SQL("@>"), Parameter("wanted_extra"), SQL("::jsonb")))
    return where


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
            return BEFORE_EVERY_DATE if descending else "infinity"
        return parse_due_date(value).at.isoformat()
    if sort in _FIELD_OF_SORT and value is not None:
        return parse_date_time(value).at.isoformat()
    raise ValueError("no sort value")

"""The SQL of a task list, rendered once for each sort and filter. What is asked for, and cursors, are in task_list.py.

Every list is one stretch of an index led by user_id (migrations/), or two that are merged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from peewee import SQL, EnclosedNodeList, NodeList, Select, Tuple, fn

from api.folding import SEARCH_TEXT, TITLE_KEY
from api.models import Task
from api.postgres.statements import Parameter, Statement, render
from api.task_rows import COLUMNS, TABLE_COLUMNS, select_list

PIECE_BYTES: Final = 1024 * 1024
"""Bytes of text in a piece of a list."""

ROW_BYTES: Final = 256
"""What a row counts as in a piece, besides its text."""

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


@cache
def select(sort: str, descending: bool, *, by_status: bool, by_words: bool, positioned: bool) -> Statement:
    """`limit` rows of a list, from `offset` on; `positioned`: after a position in it."""
    return render(_query(sort, descending, select_list, by_status=by_status, by_words=by_words, positioned=positioned))


@cache
def select_piece(sort: str, descending: bool, *, by_status: bool, by_words: bool, positioned: bool) -> Statement:
    """The same, but no row after the one with which the list exceeds PIECE_BYTES; with the bytes up to each row."""
    found = _query(sort, descending, _columns, by_status=by_status, by_words=by_words, positioned=positioned)
    found = found.alias("found")
    # The sum runs in the order of the subquery, because a LIMIT keeps PostgreSQL from changing that.
    reached = NodeList((fn.sum(_size(found.c)), SQL("OVER (ROWS UNBOUNDED PRECEDING)"))).alias("reached")
    measured = Select([found], [*_columns(found.c), reached]).alias("measured")
    piece = Select([measured], [*select_list(measured.c), measured.c.reached])
    fits = measured.c.reached - _size(measured.c) <= SQL(str(PIECE_BYTES))
    return render(piece.where(fits).order_by(measured.c.reached))


@cache
def select_outline(sort: str, descending: bool, *, by_status: bool, by_words: bool, positioned: bool) -> Statement:
    """The same as `select`, without descriptions."""
    return render(_query(sort, descending, _outline, by_status=by_status, by_words=by_words, positioned=positioned))


SELECT_BY_IDS: Final = render(
    Task.select(*select_list()).where((Task.user_id == Parameter("user_id")) & (Task.id == fn.ANY(Parameter("ids"))))
)


def _columns(source: Any = Task) -> list[Any]:
    return [getattr(source, column.name) for column in TABLE_COLUMNS]


def _outline(source: Any = Task) -> list[Any]:
    columns = select_list(source)
    columns[COLUMNS.index("description")] = SQL("NULL")
    return columns


def _size(source: Any) -> Any:
    # The size of a long text is known without reading it.
    text = fn.octet_length(source.title) + fn.coalesce(fn.octet_length(source.description), SQL("0"))
    return text + SQL(str(ROW_BYTES))


def _query(
    sort: str,
    descending: bool,
    columns: Callable[..., list[Any]],
    *,
    by_status: bool,
    by_words: bool,
    positioned: bool,
) -> Any:
    where = _filter(by_status=by_status, by_words=by_words)
    keys = _SORT_KEYS[sort]
    position = _POSITION_KEYS[sort]
    if sort == "created" and not by_status:
        halves = [where & (Task.completed == SQL(state)) for state in ("false", "true")]
        branches = [_branch(half, keys, descending, position if positioned else None) for half in halves]
        return _merge(branches, columns, lambda listed: _in_order((listed.created_at, listed.id), descending))
    if sort == "due_date" and descending:
        # A position bounds the dated tasks by itself. With a second bound, PostgreSQL walks to it from the wrong one.
        dated_only = where if positioned else where & (_DUE_KEY < _NEVER)
        dated = _branch(dated_only, keys, descending, position if positioned else None)
        # An equality would make the key a constant, and a walk of everybody's tasks by id look like one in this order.
        undated = _branch(where & (_DUE_KEY >= _NEVER), keys, descending, _UNDATED_POSITION if positioned else None)
        return _merge(
            [dated, undated],
            columns,
            lambda listed: [listed.due_at.is_null(), *_in_order((listed.due_at, listed.id), True)],
        )
    query = _sorted(Task.select(*columns()), where, keys, descending, position if positioned else None)
    return query.limit(Parameter("limit")).offset(Parameter("offset"))


def _sorted(query: Any, where: Any, keys: Sequence[Any], descending: bool, position: Sequence[Any] | None) -> Any:
    if position is not None:
        here, there = Tuple(*keys), Tuple(*position)
        where &= here < there if descending else here > there
    return query.where(where).order_by(*_in_order(keys, descending))


def _branch(where: Any, keys: Sequence[Any], descending: bool, position: Sequence[Any] | None) -> Any:
    """A part of a list that is one stretch of an index, as far as a page of the whole list can reach into it."""
    return _sorted(Task.select(*TABLE_COLUMNS), where, keys, descending, position).limit(Parameter("reach"))


def _merge(branches: Sequence[Any], columns: Callable[..., list[Any]], order: Callable[[Any], Sequence[Any]]) -> Any:
    first, second = branches
    listed = first.union_all(second).alias("listed")
    query = Select([listed], columns(listed.c)).order_by(*order(listed.c))
    return query.limit(Parameter("limit")).offset(Parameter("offset"))


def _in_order(keys: Sequence[Any], descending: bool) -> list[Any]:
    return [key.desc() if descending else key.asc() for key in keys]


@cache
def count(*, by_status: bool, by_words: bool) -> Statement:
    """The number of a list's rows."""
    return render(Task.select(fn.count(SQL("*"))).where(_filter(by_status=by_status, by_words=by_words)))


def _filter(*, by_status: bool, by_words: bool) -> Any:
    where = Task.user_id == Parameter("user_id")
    if by_status:
        where &= Task.completed == Parameter("completed")
    if by_words:
        words = fn.string_to_array(Parameter("words"), SQL("E'\\n'"))
        where &= NodeList((SEARCH_TEXT, SQL("LIKE ALL"), EnclosedNodeList((words,))))
    return where

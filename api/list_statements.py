"""The SQL of a task list, rendered once for each sort and filter. What is asked for, and cursors, are in task_list.py.

Every list is one stretch of an index led by user_id (migrations/), or two that are merged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial, reduce
from operator import or_
from typing import Any, Final, NamedTuple

from peewee import SQL, Case, EnclosedNodeList, NodeList, Select, Tuple, fn

from api.folding import SEARCH_TEXT, TITLE_KEY
from api.models import Task
from api.postgres.statements import Parameter, Statement, render
from api.task_rows import COLUMNS, EXTRA, select_list, table_columns

PIECE_BYTES: Final = 1024 * 1024
"""Bytes of text in a piece of a list."""

ROW_BYTES: Final = 256
"""What a row counts as in a piece, besides its text."""

SHORT_TEXT: Final = 1024
"""Bytes of a description, and of the further fields, that `select_short` reads."""

REACHED: Final = COLUMNS.index("version")
"""The place in a piece's row of the bytes up to it."""

LEFT_OUT: Final = REACHED
"""The place in a row of `select_short` that says whether its text is longer."""

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


class Shape(NamedTuple):
    """Which list is asked for, and with which columns. Each shape is rendered once."""

    sort: str
    descending: bool
    by_status: bool
    by_words: bool
    by_extra: bool
    positioned: bool
    """Whether it begins after a position in the list."""
    with_extra: bool


@cache
def select(shape: Shape) -> Statement:
    """`limit` rows of a list, from `offset` on."""
    return render(_query(shape, partial(select_list, extra=shape.with_extra)))


@cache
def select_short(shape: Shape) -> Statement:
    """The same without descriptions and further fields longer than SHORT_TEXT.

    In place of the version, which no list shows, is whether one was left out. For this PostgreSQL takes a tenth more,
    and half as much again to sum up the lengths as `select_piece` does.
    """
    return render(_query(shape, partial(_short_columns, extra=shape.with_extra)))


@cache
def select_piece(shape: Shape) -> Statement:
    """The same, but no row after the one with which the list exceeds PIECE_BYTES.

    In place of the version, which no list shows, is the number of bytes up to each row.
    """
    columns = partial(_columns, extra=shape.with_extra)
    found = _query(shape, columns).alias("found")
    # The sum runs in the order of the subquery, because a LIMIT keeps PostgreSQL from changing that.
    size = partial(_size, extra=shape.with_extra)
    reached = NodeList((fn.sum(size(found.c)), SQL("OVER (ROWS UNBOUNDED PRECEDING)"))).alias("reached")
    measured = Select([found], [*columns(found.c), reached]).alias("measured")
    shown = select_list(measured.c, extra=shape.with_extra)
    shown[REACHED] = measured.c.reached
    piece = Select([measured], shown)
    fits = measured.c.reached - size(measured.c) <= SQL(str(PIECE_BYTES))
    return render(piece.where(fits).order_by(measured.c.reached))


@cache
def select_outline(shape: Shape) -> Statement:
    """The same as `select`, without descriptions and further fields."""
    return render(_query(shape._replace(with_extra=False), _outline))


@cache
def select_by_ids(*, with_extra: bool) -> Statement:
    """The user's tasks with these ids."""
    own = (Task.user_id == Parameter("user_id")) & (Task.id == fn.ANY(Parameter("ids")))
    return render(Task.select(*select_list(extra=with_extra)).where(own))


def _columns(source: Any = Task, *, extra: bool) -> list[Any]:
    return [getattr(source, column.name) for column in table_columns(extra=extra)]


def _outline(source: Any = Task) -> list[Any]:
    columns = select_list(source, extra=False)
    columns[COLUMNS.index("description")] = SQL("NULL")
    return columns


def _short_columns(source: Any = Task, *, extra: bool) -> list[Any]:
    columns = select_list(source, extra=extra)
    is_long = {COLUMNS.index("description"): fn.octet_length(source.description) > SQL(str(SHORT_TEXT))}
    if extra:
        is_long[EXTRA] = fn.pg_column_size(source.extra) > SQL(str(SHORT_TEXT))
    for place, condition in is_long.items():
        columns[place] = Case(None, [(condition, SQL("NULL"))], columns[place])
    columns[LEFT_OUT] = fn.coalesce(reduce(or_, is_long.values()), SQL("false"))
    return columns


def _size(source: Any, *, extra: bool) -> Any:
    # The size of a long text is known without reading it.
    size = fn.octet_length(source.title) + fn.coalesce(fn.octet_length(source.description), SQL("0"))
    if extra:
        size += fn.coalesce(fn.pg_column_size(source.extra), SQL("0"))
    return size + SQL(str(ROW_BYTES))


def _query(shape: Shape, columns: Callable[..., list[Any]]) -> Any:
    where = _filter(by_status=shape.by_status, by_words=shape.by_words, by_extra=shape.by_extra)
    keys, descending = _SORT_KEYS[shape.sort], shape.descending
    position = _POSITION_KEYS[shape.sort] if shape.positioned else None
    table = table_columns(extra=shape.with_extra)
    if shape.sort == "created" and not shape.by_status:
        halves = [where & (Task.completed == SQL(state)) for state in ("false", "true")]
        branches = [_branch(table, half, keys, descending, position) for half in halves]
        return _merge(branches, columns, lambda listed: _in_order((listed.created_at, listed.id), descending))
    if shape.sort == "due_date" and descending:
        # A position bounds the dated tasks by itself. With a second bound, PostgreSQL walks to it from the wrong one.
        dated_only = where if shape.positioned else where & (_DUE_KEY < _NEVER)
        dated = _branch(table, dated_only, keys, descending, position)
        # An equality would make the key a constant, and a walk of everybody's tasks by id look like one in this order.
        undated_position = _UNDATED_POSITION if shape.positioned else None
        undated = _branch(table, where & (_DUE_KEY >= _NEVER), keys, descending, undated_position)
        return _merge(
            [dated, undated],
            columns,
            lambda listed: [listed.due_at.is_null(), *_in_order((listed.due_at, listed.id), True)],
        )
    query = _sorted(Task.select(*columns()), where, keys, descending, position)
    return query.limit(Parameter("limit")).offset(Parameter("offset"))


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


def _merge(branches: Sequence[Any], columns: Callable[..., list[Any]], order: Callable[[Any], Sequence[Any]]) -> Any:
    first, second = branches
    listed = first.union_all(second).alias("listed")
    query = Select([listed], columns(listed.c)).order_by(*order(listed.c))
    return query.limit(Parameter("limit")).offset(Parameter("offset"))


def _in_order(keys: Sequence[Any], descending: bool) -> list[Any]:
    return [key.desc() if descending else key.asc() for key in keys]


@cache
def count(*, by_status: bool, by_words: bool, by_extra: bool) -> Statement:
    """The number of a list's rows, and of those that are completed."""
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

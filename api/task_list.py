"""A user's list of tasks, read in pieces of a bounded size. No HTTP.

A piece begins at a position in the list, so the last one costs what the first did, and no connection is held between
two of them. The list of a page is one snapshot; that of all tasks is not, but each task that exists throughout, with
an unchanged sort value, is in it once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import orjson

from api.folding import fold_for_request, title_key
from api.list_queries import ListQuery, Position, encode_cursor, position_after
from api.list_statements import (
    BEFORE_EVERY_DATE,
    LEFT_OUT,
    PIECE_BYTES,
    REACHED,
    Shape,
    count,
    select,
    select_by_ids,
    select_outline,
    select_piece,
    select_short,
)
from api.postgres.database import Database
from api.postgres.statements import Statement
from api.task_rows import COLUMNS, EXTRA, as_renamed_tasks, as_tasks

PIECE_ROWS: Final = 2048
"""Rows of a piece at most. Their short texts are 3 MiB at most where titles are ASCII, and 6 MiB else."""

MAX_WHOLE_PAGE: Final = 50
"""Tasks of a page that is always read at once."""

ROWS_BY_IDS: Final = 24
"""Rows of a piece that is read by ids: of the longest tasks they are PIECE_BYTES."""

SEARCH_TIMEOUT: Final = 8.0
"""Seconds that a statement with words may take, if STATEMENT_TIMEOUT is shorter: it reads all of a user's text.

It is less than the default of WORKER_TIMEOUT, so that no worker is taken for stuck while its threads search."""

_LAST_ID: Final = 2**63 - 1

_COMPLETED: Final = COLUMNS.index("completed")

Rows = Sequence[Sequence[Any]]


class Piece(NamedTuple):
    """Some tasks of a list, and the further fields of each, if the query asks for them."""

    tasks: list[dict[str, Any]]
    extras: list[dict[str, Any] | None]


class TaskPage(NamedTuple):
    """A list, or a page of it; `next_cursor` is None at the end.

    `total` counts what the filters match, if the query has a page's number or asks for the counts. `completed` counts
    the completed ones of these, if the query asks for them.
    """

    first: Piece
    next_cursor: str | None = None
    total: int | None = None
    completed: int | None = None
    rest: Iterator[Piece] | None = None
    """The further pieces, each read when it is asked for; None if there is none."""


def list_tasks(database: Database, user_id: str, query: ListQuery) -> TaskPage:
    """The user's tasks that `query` asks for, in its order.

    Raises Overloaded where the user's rows take too long to fold.
    """
    if query.words or query.sort == "title":
        fold_for_request(database, user_id)
    reading = _Reading(database, user_id, query)
    return reading.begin_all() if query.limit is None else reading.begin_page(query.limit)


class _Reading:
    """The reading of one list."""

    def __init__(self, database: Database, user_id: str, query: ListQuery) -> None:
        self._database = database
        self._user_id = user_id
        self._query = query
        self._shape = shape_of(query)
        # Assumed of a search, which costs too much to run twice.
        self._has_long_text = bool(query.words)
        """Whether the list has a text that `select_short` leaves out."""

    def begin_all(self) -> TaskPage:
        """Read the first piece of the whole list."""
        rows, more = self._read_piece(self._query, PIECE_ROWS)
        total = completed = None
        if self._query.counted and (more or self._query.offset):
            total, completed = self._count()
        elif self._query.counted:
            total, completed = len(rows), sum(row[_COMPLETED] for row in rows)
        rest = self._read_on(self._last(rows), len(rows)) if more else None
        return TaskPage(self._show(rows), total=total, completed=completed, rest=rest)

    def begin_page(self, limit: int) -> TaskPage:
        """Read the first piece of a page, and what its pagination says."""
        if limit <= MAX_WHOLE_PAGE:
            rows, more = self._read_page(select, limit)
            return self._page(rows, limit, more=more)
        rows, more = self._read_piece(self._query, limit)
        if not more or len(rows) == limit:
            return self._page(rows, limit, more=more)
        rows, more = self._read_page(select_outline, limit)
        pieces = self._read_by_ids([row[0] for row in rows])
        return self._page(rows, limit, more=more)._replace(first=next(pieces, Piece([], [])), rest=pieces)

    def _page(self, rows: Rows, limit: int, *, more: bool) -> TaskPage:
        page = self._query.page
        total = completed = None
        if self._query.counted:
            total, completed = self._count()
        elif page is not None and not more and (rows or page == 1):
            total = (page - 1) * limit + len(rows)
        elif page is not None:
            total, _ = self._count()
        cursor = encode_cursor(self._query, self._last(rows)) if more else None
        return TaskPage(self._show(rows), cursor, total, completed)

    def _count(self) -> Sequence[int]:
        shape = self._shape
        statement = count(by_status=shape.by_status, by_words=shape.by_words, by_extra=shape.by_extra)
        return self._run(statement, self._values(self._query, 0))[0]

    def _show(self, rows: Rows) -> Piece:
        extras: list[dict[str, Any] | None] = []
        if rows and len(rows[0]) > EXTRA:
            extras = [row[EXTRA] for row in rows]
            rows = [row[:EXTRA] for row in rows]
        names = self._query.names
        tasks = as_tasks(self._user_id, rows) if names is None else as_renamed_tasks(self._user_id, rows, names)
        return Piece(tasks, extras)

    def _last(self, rows: Rows) -> dict[str, Any]:
        """The last task, with canonical names."""
        return as_tasks(self._user_id, [rows[-1][:EXTRA]])[0]

    def _read_page(self, statement: Callable[[Shape], Statement], limit: int) -> tuple[Rows, bool]:
        """The rows of a page, and whether there is a next page."""
        rows = self._run(statement(self._shape), self._values(self._query, limit + 1))
        return rows[:limit], len(rows) > limit

    def _read_piece(self, query: ListQuery, limit: int) -> tuple[Rows, bool]:
        """The rows of a piece, `limit` at most, and whether more follow."""
        shape, values = shape_of(query), self._values(query, limit + 1)
        if not self._has_long_text:
            rows = self._run(select_short(shape), values)
            self._has_long_text = any(row[LEFT_OUT] for row in rows)
        if self._has_long_text:
            rows = self._run(select_piece(shape), values)
        more = len(rows) > limit or (self._has_long_text and len(rows) > 1 and rows[-1][REACHED] > PIECE_BYTES)
        if more:
            rows.pop()
        return rows, more

    def _read_on(self, last: dict[str, Any], length: int) -> Iterator[Piece]:
        """The pieces after one of this length that ends with this task. Between two of them it holds no rows."""
        more = True
        while more:
            # The rows of a piece are about as long as those of the last one.
            limit = min(PIECE_ROWS, 2 * length + ROWS_BY_IDS)
            query = replace(self._query, position=position_after(self._query, last), offset=0)
            rows, more = self._read_piece(query, limit)
            if more:
                last, length = self._last(rows), len(rows)
            piece = [self._show(rows)]
            del rows
            yield piece.pop()

    def _read_by_ids(self, ids: list[int]) -> Iterator[Piece]:
        statement = select_by_ids(with_extra=self._query.with_extra)
        for start in range(0, len(ids), ROWS_BY_IDS):
            some = ids[start : start + ROWS_BY_IDS]
            rows = {row[0]: row for row in self._run(statement, {"user_id": self._user_id, "ids": some})}
            yield self._show([rows[each] for each in some if each in rows])

    def _run(self, statement: Statement, values: dict[str, object]) -> list[tuple[Any, ...]]:
        at_least = SEARCH_TIMEOUT if self._query.words else 0.0
        rows = statement.run(self._database, values, repeatable=True, at_least=at_least)
        if rows or self._query.words or self._query.position is not None:
            return rows
        # A search that finds nothing costs too much to run twice; any other list costs what an empty one does.
        return statement.confirm(self._database, values, repeatable=True)

    def _values(self, query: ListQuery, limit: int) -> dict[str, object]:
        offset = query.offset + ((query.page or 1) - 1) * (query.limit or 0)
        return {
            "user_id": self._user_id,
            "completed": query.completed,
            "words": "\n".join([f"%{_escape_like(word)}%" for word in query.words]),
            "limit": limit,
            "offset": offset,
            "reach": limit + offset,
            **_extra_values(query),
            **_position_values(query.position),
        }


def shape_of(query: ListQuery) -> Shape:
    """The shape of the statements that read this list."""
    return Shape(
        query.sort,
        query.descending,
        query.completed is not None,
        bool(query.words),
        bool(query.wanted_extra),
        query.position is not None,
        query.with_extra,
    )


def _position_values(position: Position | None) -> dict[str, object]:
    if position is None:
        return {}
    value, task_id = position
    return {
        "value": value,
        "value_key": title_key(value),
        "task_id": task_id,
        # In descending order every task with a due date comes before all that have none.
        "undated_id": task_id if value == BEFORE_EVERY_DATE else _LAST_ID,
    }


def _extra_values(query: ListQuery) -> dict[str, object]:
    if not query.wanted_extra:
        return {}
    wanted, default = orjson.dumps(query.wanted_extra), orjson.dumps(query.default_extra)
    return {"wanted_extra": wanted.decode(), "default_extra": default.decode()}


def _escape_like(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")

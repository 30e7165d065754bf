"""A user's list of tasks, read in pieces of a bounded size. No HTTP.

A piece begins at a position in the list, so the last one costs what the first did, and no connection is held between
two of them. The list of a page is one snapshot; that of all tasks is not, but each task that exists throughout, with
an unchanged sort value, is in it once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final, NamedTuple

from api.folding import fold_for_request, title_key
from api.list_queries import ListQuery, Position, encode_cursor, position_after
from api.list_statements import (
    BEFORE_EVERY_DATE,
    PIECE_BYTES,
    SELECT_BY_IDS,
    count,
    select,
    select_outline,
    select_piece,
)
from api.postgres.database import Database
from api.postgres.statements import Statement
from api.task_rows import COLUMNS, as_tasks

PIECE_ROWS: Final = 4096
"""Rows of a piece at most: about as many of the shortest tasks as PIECE_BYTES hold."""

MAX_WHOLE_PAGE: Final = 50
"""Tasks of a page that is always read at once."""

ROWS_BY_IDS: Final = 24
"""Rows of a piece that is read by ids: of the longest tasks they are PIECE_BYTES."""

SEARCH_TIMEOUT: Final = 10.0
"""Seconds that a statement with words may take, if STATEMENT_TIMEOUT is shorter: it reads all of a user's text."""

_LAST_ID: Final = 2**63 - 1

Tasks = list[dict[str, Any]]


class TaskPage(NamedTuple):
    """A list, or a page of it. `total` is counted for numbered pages only; `next_cursor` is None at the end."""

    tasks: Tasks
    """The first piece."""
    next_cursor: str | None = None
    total: int | None = None
    rest: Iterator[Tasks] | None = None
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
        self._filters = {"by_status": query.completed is not None, "by_words": bool(query.words)}

    def begin_all(self) -> TaskPage:
        """Read the first piece of the whole list."""
        tasks, more = self._read_piece(self._query, PIECE_ROWS)
        return TaskPage(tasks, rest=self._read_on(tasks) if more else None)

    def begin_page(self, limit: int) -> TaskPage:
        """Read the first piece of a page, and what its pagination says."""
        if limit <= MAX_WHOLE_PAGE:
            tasks, more = self._read_page(select, limit)
            return self._page(tasks, limit, more=more)
        tasks, more = self._read_piece(self._query, limit)
        if not more or len(tasks) == limit:
            return self._page(tasks, limit, more=more)
        tasks, more = self._read_page(select_outline, limit)
        pieces = self._read_by_ids([task["id"] for task in tasks])
        return self._page(tasks, limit, more=more)._replace(tasks=next(pieces, []), rest=pieces)

    def _page(self, tasks: Tasks, limit: int, *, more: bool) -> TaskPage:
        page = self._query.page
        if page is None:
            total = None
        elif not more and (tasks or page == 1):
            total = (page - 1) * limit + len(tasks)
        else:
            total = self._run(count(**self._filters), self._values(self._query, limit))[0][0]
        return TaskPage(tasks, encode_cursor(self._query, tasks[-1]) if more else None, total)

    def _read_page(self, statement: Callable[..., Statement], limit: int) -> tuple[Tasks, bool]:
        """The tasks of a page, and whether there is a next page."""
        rows = self._run(self._statement(statement, self._query), self._values(self._query, limit + 1))
        return as_tasks(self._user_id, rows[:limit]), len(rows) > limit

    def _read_piece(self, query: ListQuery, limit: int) -> tuple[Tasks, bool]:
        """The tasks of a piece, `limit` at most, and whether more follow."""
        rows = self._run(self._statement(select_piece, query), self._values(query, limit + 1))
        more = len(rows) > limit or (len(rows) > 1 and rows[-1][-1] > PIECE_BYTES)
        if more:
            rows.pop()
        return as_tasks(self._user_id, (row[: len(COLUMNS)] for row in rows)), more

    def _read_on(self, tasks: Tasks) -> Iterator[Tasks]:
        more = True
        while more:
            # The rows of a piece are about as long as those of the last one.
            limit = min(PIECE_ROWS, 2 * len(tasks) + ROWS_BY_IDS)
            query = replace(self._query, position=position_after(self._query, tasks[-1]))
            tasks, more = self._read_piece(query, limit)
            yield tasks

    def _read_by_ids(self, ids: list[int]) -> Iterator[Tasks]:
        for start in range(0, len(ids), ROWS_BY_IDS):
            some = ids[start : start + ROWS_BY_IDS]
            rows = {row[0]: row for row in self._run(SELECT_BY_IDS, {"user_id": self._user_id, "ids": some})}
            yield as_tasks(self._user_id, (rows[each] for each in some if each in rows))

    def _statement(self, statement: Callable[..., Statement], query: ListQuery) -> Statement:
        return statement(query.sort, query.descending, positioned=query.position is not None, **self._filters)

    def _run(self, statement: Statement, values: dict[str, object]) -> list[tuple[Any, ...]]:
        at_least = SEARCH_TIMEOUT if self._query.words else 0.0
        return statement.run(self._database, values, repeatable=True, at_least=at_least)

    def _values(self, query: ListQuery, limit: int) -> dict[str, object]:
        offset = ((query.page or 1) - 1) * (query.limit or 0)
        value, task_id = query.position or Position("", 0)
        return {
            "user_id": self._user_id,
            "completed": query.completed,
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


def _escape_like(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")

"""How many tasks and idempotency keys a user may hold. To count costs more than to create, so counts are remembered.

A remembered count goes with the task id at which it was true. Every task takes an id of one sequence, so a user cannot
have gained more tasks, or keys, since then than ids were given out: that bound says when to count again.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from peewee import SQL, Select, fn

from api.errors import RateLimited, TaskLimitReached
from api.models import IdempotencyKey, Task
from api.postgres.database import Database
from api.postgres.statements import Parameter, Statement, render

MAX_KEYS: Final = 10_000
"""Idempotency keys of one user; each takes some 300 bytes, and is kept for 24 hours."""

KEYS_RETRY_AFTER: Final = 3600
"""Seconds that a client with MAX_KEYS is asked to wait: old keys are deleted about once an hour."""

REMEMBERED_USERS: Final = 10_000


class _Count(NamedTuple):
    rows: int
    task_id: int
    """The newest id when the rows were counted."""


class RowLimit:
    """At most `limit` rows of a user in one table; 0: no limit. One for a process, used by all its threads."""

    def __init__(self, database: Database, model: Any, limit: int) -> None:
        self._database = database
        self._limit = limit
        self._statement = _count(model)
        self._counts: dict[str, _Count] = {}
        self._newest_id = 0

    def has_room(self, user_id: str) -> bool:
        """Whether the user may have one row more."""
        if not self._limit or self._bound(user_id, self._newest_id) < self._limit:
            return True
        # What another thread creates while the rows are counted has a later id.
        newest_id = self._newest_id
        rows = self._count_rows(user_id)
        self._remember(user_id, _Count(rows, newest_id))
        return rows < self._limit

    def note(self, task_id: int) -> None:
        """Learn that this id was given out."""
        self._newest_id = max(self._newest_id, task_id)

    def is_passed(self, user_id: str, task_id: int) -> bool:
        """Whether the user holds more than the limit now that the task of this id was created."""
        self.note(task_id)
        if not self._limit or self._bound(user_id, task_id) <= self._limit:
            return False
        rows = self._count_rows(user_id)
        self._remember(user_id, _Count(rows, task_id))
        return rows > self._limit

    def _bound(self, user_id: str, task_id: int) -> float:
        """The number of rows that the user cannot have exceeded when `task_id` was given out."""
        known = self._counts.get(user_id)
        # A distributed PostgreSQL gives ids of several ranges: a smaller one says nothing.
        return known.rows + task_id - known.task_id if known and task_id >= known.task_id else float("inf")

    def _count_rows(self, user_id: str) -> int:
        values = {"user_id": user_id, "limit": self._limit + 1}
        return int(self._statement.run(self._database, values, repeatable=True)[0][0])

    def _remember(self, user_id: str, count: _Count) -> None:
        if len(self._counts) >= REMEMBERED_USERS:
            self._counts.clear()
        self._counts[user_id] = count


def _count(model: Any) -> Statement:
    """A count that ends at a limit."""
    held = model.select(SQL("1")).where(model.user_id == Parameter("user_id")).limit(Parameter("limit"))
    return render(Select([held.alias("held")], [fn.count(SQL("*"))]))


class TaskLimits:
    """Both limits of a user who creates a task."""

    def __init__(self, database: Database, *, max_tasks: int) -> None:
        self._max_tasks = max_tasks
        self._tasks = RowLimit(database, Task, max_tasks)
        self._keys = RowLimit(database, IdempotencyKey, MAX_KEYS)

    def check(self, user_id: str, *, keyed: bool) -> None:
        """Before a create: raises TaskLimitReached, or RateLimited for a key too many."""
        if not self._tasks.has_room(user_id):
            raise TaskLimitReached(self._max_tasks)
        if keyed and not self._keys.has_room(user_id):
            raise RateLimited(KEYS_RETRY_AFTER)

    def recheck(self, user_id: str, task_id: int) -> None:
        """After a create: raises TaskLimitReached where the user's tasks have become too many unnoticed."""
        self._keys.note(task_id)
        if self._tasks.is_passed(user_id, task_id):
            raise TaskLimitReached(self._max_tasks)

"""Every call on a single task, with its user first. No HTTP; lists are in task_list.py.

Ownership is part of each WHERE, so another user's task is simply not there. Each call is one statement on the common
way; only a miss costs further ones, which confirm it and say what was missed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

import orjson
import psycopg2.errors

from api import task_statements
from api.due_dates import DueDate, parse_due_date
from api.errors import ExtraTooLarge, Forbidden, RateLimited, TaskChanged, TaskLimitReached, TaskNotFound
from api.folding import folded_columns
from api.idempotency import FORGET_KEY, find_first_response, fingerprint
from api.postgres.database import Database
from api.postgres.errors import DatabaseUnavailable, Overloaded
from api.postgres.statements import Statement
from api.task_limits import TaskLimits
from api.task_rows import COLUMNS, EXTRA, as_tasks
from api.task_statements import DELETE_ALL, EXISTS, FIND, INSERT, INSERT_WITH_KEY, NEW_TASK
from api.tokens import Identity

logger = logging.getLogger(__name__)

EXTRA_SIZE: Final = "extra_size"
"""The constraint of the column that holds the further fields."""

MEND_IDS: Final = "SELECT setval('tasks_id_seq', max(id)) FROM tasks"
"""What an operator runs where a restore has left the sequence behind."""


class VersionedTask(NamedTuple):
    """A task, the version of its row, which every write raises, and its stored further fields."""

    task: dict[str, Any]
    version: int
    extra: dict[str, Any] | None


class CreatedTask(NamedTuple):
    """A task just made, or (`replayed`) the first response to the same Idempotency-Key."""

    created: VersionedTask
    replayed: bool


class UserDirectory(Protocol):
    """The rows of users that tasks refer to. Each method raises UnknownUser."""

    def require(self, user: Identity) -> None:
        """Make sure, before a create, that the user has a row, as far as this process remembers."""

    def forget(self, user: Identity) -> None:
        """Remember no longer that the user has a row."""

    def confirm(self, user: Identity) -> None:
        """Make sure, when a call has found nothing, that a local account is still there."""


_VERSION: Final = COLUMNS.index("version")


class Tasks:
    """The tasks in the database. With `reveal_foreign` another user's task is Forbidden, not TaskNotFound."""

    def __init__(
        self, database: Database, users: UserDirectory, limits: TaskLimits, *, reveal_foreign: bool = False
    ) -> None:
        self._database = database
        self._users = users
        self._limits = limits
        self._reveal_foreign = reveal_foreign

    def confirm_user(self, user: Identity) -> None:
        """Make sure that the user of an empty list is not an account that is gone. Raises UnknownUser."""
        self._users.confirm(user)

    def find(self, user: Identity, task_id: int) -> VersionedTask:
        """One task. Raises TaskNotFound, Forbidden, or UnknownUser for the token of an account that is gone."""
        values = {"user_id": user.user_id, "task_id": task_id}
        rows = FIND.run(self._database, values, repeatable=True) or self._confirm(user, task_id)
        if not rows:
            raise self._miss(user, task_id)
        return _versioned(user.user_id, rows[0])

    def create(self, owner: Identity, fields: Mapping[str, Any], key: str | None = None) -> CreatedTask:
        """Make a task of validated `fields`, once for each `key`; the owner's row too where it is missing.

        Raises TaskLimitReached, RateLimited (for a key too many), IdempotencyKeyReused, ExtraTooLarge or UnknownUser,
        and DatabaseUnavailable where the sequence of ids is behind the stored tasks.
        """
        values = {**NEW_TASK, **_column_values(fields), "user_id": owner.user_id}
        if key is not None:
            return self._create_once(owner, {**values, "key": key, "fingerprint": fingerprint(fields)})
        self._limits.check(owner.user_id, keyed=False)
        return self._created(values, self._insert(INSERT, owner, values)[0])

    def update(
        self,
        user: Identity,
        task_id: int,
        changes: Mapping[str, Any],
        versions: Sequence[int] | None = None,
    ) -> VersionedTask:
        """Change the given fields; where `versions` are given, only a task at one of them.

        Members of "extra" are changed, those that are None dropped. Raises as `find` does, and TaskChanged or
        ExtraTooLarge.
        """
        values = _column_values(changes)
        statement = task_statements.update(tuple(sorted(values)), versions is not None)
        extra = changes.get("extra", {})
        dropped = [name for name in extra if extra[name] is None]
        values |= {"extra": values.get("extra") or "{}", "extra_dropped": dropped}
        return self._write(statement, user, task_id, versions, values)

    def toggle_completed(self, user: Identity, task_id: int, versions: Sequence[int] | None = None) -> VersionedTask:
        """Flip the state of completion; raises as `update` does."""
        return self._write(task_statements.toggle(versions is not None), user, task_id, versions, {})

    def delete(self, user: Identity, task_id: int, versions: Sequence[int] | None = None) -> None:
        """Delete the task; raises as `update` does."""
        values = {"user_id": user.user_id, "task_id": task_id, "versions": _array(versions)}
        statement = task_statements.delete(versions is not None)
        if not (statement.run(self._database, values) or statement.confirm(self._database, values)):
            raise self._miss_of_write(user, task_id, versions)

    def delete_all(self, user: Identity) -> int:
        """Delete all tasks of the user; their number."""
        values = {"user_id": user.user_id}
        deleted = DELETE_ALL.run(self._database, values) or DELETE_ALL.confirm(self._database, values)
        if not deleted:
            self._users.confirm(user)
        return len(deleted)

    def _create_once(self, owner: Identity, values: Mapping[str, Any]) -> CreatedTask:
        refusal: Exception = Overloaded()
        try:
            self._limits.check(owner.user_id, keyed=True)
        except (TaskLimitReached, RateLimited) as ex:
            refusal = ex
        else:
            rows = self._insert(INSERT_WITH_KEY, owner, values, repeatable=True)
            if rows:
                return self._created(values, rows[0])
        first = find_first_response(self._database, values)
        if first is None:
            raise refusal
        return CreatedTask(_versioned(owner.user_id, first), replayed=True)

    def _created(self, values: Mapping[str, Any], row: Sequence[Any]) -> CreatedTask:
        user_id, created = values["user_id"], _versioned(values["user_id"], row)
        try:
            self._limits.recheck(user_id, created.task["id"])
        except TaskLimitReached:
            if "key" in values:
                FORGET_KEY.run(self._database, values, repeatable=True)
            task_statements.delete(False).run(
                self._database, {"user_id": user_id, "task_id": created.task["id"]}, repeatable=True
            )
            raise
        return CreatedTask(created, replayed=False)

    def _insert(
        self, statement: Statement, owner: Identity, values: Mapping[str, Any], *, repeatable: bool = False
    ) -> list[tuple[Any, ...]]:
        try:
            self._users.require(owner)
            try:
                return statement.run(self._database, values, repeatable=repeatable)
            except psycopg2.errors.ForeignKeyViolation:
                # The row was deleted since this process saw it.
                self._users.forget(owner)
                self._users.require(owner)
                return statement.run(self._database, values, repeatable=repeatable)
        except psycopg2.errors.CheckViolation as ex:
            raise _explain_violation(ex) from None
        except psycopg2.errors.UniqueViolation as ex:
            self._database.errors["ids_behind"] += 1
            logger.error("the next task ids are those of stored tasks, as after a restore; run: %s", MEND_IDS)
            raise DatabaseUnavailable("ids_behind") from ex

    def _write(
        self,
        statement: Statement,
        user: Identity,
        task_id: int,
        versions: Sequence[int] | None,
        values: Mapping[str, Any],
    ) -> VersionedTask:
        whole = {**values, "user_id": user.user_id, "task_id": task_id, "versions": _array(versions)}
        try:
            rows = statement.run(self._database, whole) or statement.confirm(self._database, whole)
        except psycopg2.errors.CheckViolation as ex:
            raise _explain_violation(ex) from None
        if not rows:
            raise self._miss_of_write(user, task_id, versions)
        return _versioned(user.user_id, rows[0])

    def _miss_of_write(self, user: Identity, task_id: int, versions: Sequence[int] | None) -> Exception:
        if versions is not None and self._confirm(user, task_id):
            return TaskChanged()
        return self._miss(user, task_id)

    def _confirm(self, user: Identity, task_id: int) -> list[tuple[Any, ...]]:
        return FIND.confirm(self._database, {"user_id": user.user_id, "task_id": task_id}, repeatable=True)

    def _miss(self, user: Identity, task_id: int) -> Exception:
        self._users.confirm(user)
        if self._reveal_foreign and EXISTS.confirm(self._database, {"task_id": task_id}, repeatable=True):
            return Forbidden()
        return TaskNotFound(task_id)


def _versioned(user_id: str, row: Sequence[Any]) -> VersionedTask:
    return VersionedTask(as_tasks(user_id, [row[:EXTRA]])[0], row[_VERSION], row[EXTRA])


def _column_values(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Validated fields as column values: a due date takes two columns, and the further fields share one."""
    values = {name: fields[name] for name in fields if name not in ("due_date", "extra")}
    if "extra" in fields:
        stored = {name: value for name, value in fields["extra"].items() if value is not None}
        values["extra"] = orjson.dumps(stored).decode() if stored else None
    if "due_date" in fields:
        due: DueDate | None = parse_due_date(fields["due_date"]) if fields["due_date"] is not None else None
        values["due_at"] = due.at if due else None
        values["due_all_day"] = due.all_day if due else False
    return {**values, **folded_columns(fields)}


def _explain_violation(ex: psycopg2.errors.CheckViolation) -> Exception:
    """Only the size of the further fields is left to the database: what else it refuses is a fault of ours."""
    return ExtraTooLarge() if ex.diag.constraint_name == EXTRA_SIZE else ex


def _array(versions: Sequence[int] | None) -> list[int]:
    return list(versions or ())

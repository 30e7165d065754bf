"""Every query on a single task, as calls that take the user id first. No HTTP; lists are in task_list.py.

Ownership is part of each WHERE, so another user's task is simply not there. Each call is one statement on the common
way; only a miss may cost a second one, to say what was missed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple, Protocol

import orjson
import psycopg2.errors
from peewee import SQL, Select, fn

from api.due_dates import DueDate, parse_due_date
from api.errors import (
    Forbidden,
    IdempotencyKeyReused,
    TaskChanged,
    TaskLimitReached,
    TaskNotFound,
)
from api.models import IdempotencyKey, Task
from api.postgres.database import Database
from api.postgres.statements import Parameter, Statement, render
from api.task_rows import COLUMNS, as_tasks, select_list
from api.tokens import Identity


class VersionedTask(NamedTuple):
    """A task as clients see it, and the version of its row, which every write raises."""

    task: dict[str, Any]
    version: int


class CreatedTask(NamedTuple):
    """A task just made, or (`replayed`) the first answer to the same Idempotency-Key."""

    task: dict[str, Any]
    replayed: bool


class UserDirectory(Protocol):
    """Where a missing user's row is made from verified claims."""

    def provision(self, identity: Identity) -> None:
        """Make the row; raises UnknownUser where rows are not made here."""


_OWN_TASK: Final = (Task.user_id == Parameter("user_id")) & (Task.id == Parameter("task_id"))
_NEXT_VERSION: Final = {
    Task.version: Task.version + SQL("1"),
    # now() is the transaction's start, which behind a row lock may lie before the last write.
    Task.updated_at: fn.clock_timestamp(),
}

_FIND: Final = render(Task.select(*select_list()).where(_OWN_TASK))
_EXISTS: Final = render(Task.select(SQL("1")).where(Task.id == Parameter("task_id")))
_FIND_KEY: Final = render(
    IdempotencyKey.select(IdempotencyKey.fingerprint, IdempotencyKey.answer).where(
        (IdempotencyKey.user_id == Parameter("user_id")) & (IdempotencyKey.key == Parameter("key"))
    )
)


def _write_condition(conditional: bool) -> Any:
    return _OWN_TASK & (Task.version == fn.ANY(Parameter("versions"))) if conditional else _OWN_TASK


@cache
def _update(fields: tuple[str, ...], conditional: bool) -> Statement:
    changes: dict[Any, Any] = {Task._meta.fields[name]: Parameter(name) for name in fields}
    query = Task.update({**changes, **_NEXT_VERSION}).where(_write_condition(conditional))
    return render(query.returning(*select_list()))


@cache
def _toggle(conditional: bool) -> Statement:
    query = Task.update({Task.completed: fn.NOT(Task.completed), **_NEXT_VERSION})
    return render(query.where(_write_condition(conditional)).returning(*select_list()))


@cache
def _delete(conditional: bool) -> Statement:
    return render(Task.delete().where(_write_condition(conditional)).returning(Task.id))


@cache
def _insert(limited: bool, keyed: bool) -> Statement:
    """One statement that inserts unless the limit is reached or the key is known: no row comes back then.

    Two statements at the same instant with one key meet at the key's primary key: the later one fails as a whole.
    """
    columns = (Task.user_id, Task.title, Task.description, Task.completed, Task.due_at, Task.due_all_day)
    source = Select(columns=[Parameter(column.name) for column in columns])
    if limited:
        full = Task.select(SQL("1")).where(Task.user_id == Parameter("user_id")).offset(Parameter("limit"))
        source = source.where(fn.NOT(fn.EXISTS(full)))
    if keyed:
        known = IdempotencyKey.select(SQL("1")).where(
            (IdempotencyKey.user_id == Parameter("user_id")) & (IdempotencyKey.key == Parameter("key"))
        )
        source = source.where(fn.NOT(fn.EXISTS(known)))
    insert = render(Task.insert_from(source, columns).returning(*select_list()))
    return _remember_key(insert) if keyed else insert


def _remember_key(insert: Statement) -> Statement:
    """Keep the inserted row under its key, in the same statement: a CTE that writes, which Peewee cannot say."""
    columns = ", ".join(COLUMNS)
    sql = (
        f"WITH inserted ({columns}) AS ({insert.sql}), "
        "kept AS (INSERT INTO idempotency_keys (user_id, key, fingerprint, answer) "
        f"SELECT %s, %s, %s, jsonb_build_array({columns}) FROM inserted) "
        f"SELECT {columns} FROM inserted"
    )
    return Statement(sql, (*insert.names, "user_id", "key", "fingerprint"))


class Tasks:
    """The tasks in the database. With `reveal_foreign` another user's task is Forbidden, not TaskNotFound."""

    def __init__(
        self, database: Database, users: UserDirectory, *, max_tasks: int, reveal_foreign: bool = False
    ) -> None:
        self._database = database
        self._users = users
        self._max_tasks = max_tasks
        self._reveal_foreign = reveal_foreign

    def find(self, user_id: str, task_id: int) -> VersionedTask:
        """One task. Raises TaskNotFound, or Forbidden."""
        rows = _FIND.run(self._database, {"user_id": user_id, "task_id": task_id}, repeatable=True)
        if not rows:
            raise self._miss(task_id)
        return _versioned(user_id, rows[0])

    def create(self, owner: Identity, fields: Mapping[str, Any], key: str | None = None) -> CreatedTask:
        """Make a task of validated `fields`, once for each `key`; the owner's row too where it is missing.

        Raises TaskLimitReached, IdempotencyKeyReused or UnknownUser.
        """
        try:
            return self._create(owner.user_id, fields, key)
        except psycopg2.errors.ForeignKeyViolation:
            self._users.provision(owner)
            return self._create(owner.user_id, fields, key)

    def update(
        self,
        user_id: str,
        task_id: int,
        changes: Mapping[str, Any],
        versions: Sequence[int] | None = None,
    ) -> VersionedTask:
        """Change the given fields; where `versions` are given, only a task at one of them.

        Raises TaskNotFound, Forbidden or TaskChanged.
        """
        values = _column_values(changes)
        return self._write(_update(tuple(sorted(values)), versions is not None), user_id, task_id, versions, values)

    def set_completed(
        self, user_id: str, task_id: int, completed: bool, versions: Sequence[int] | None = None
    ) -> VersionedTask:
        """Set the state of completion; raises as `update` does."""
        return self.update(user_id, task_id, {"completed": completed}, versions)

    def toggle_completed(self, user_id: str, task_id: int, versions: Sequence[int] | None = None) -> VersionedTask:
        """Flip the state of completion; raises as `update` does."""
        return self._write(_toggle(versions is not None), user_id, task_id, versions, {})

    def delete(self, user_id: str, task_id: int, versions: Sequence[int] | None = None) -> None:
        """Delete the task; raises as `update` does."""
        values = {"user_id": user_id, "task_id": task_id, "versions": _array(versions)}
        if not _delete(versions is not None).run(self._database, values):
            raise self._miss_of_write(user_id, task_id, versions)

    def _create(self, user_id: str, fields: Mapping[str, Any], key: str | None) -> CreatedTask:
        values: dict[str, Any] = {
            "description": None,
            "completed": False,
            "due_at": None,
            "due_all_day": False,
            **_column_values(fields),
            "user_id": user_id,
            "limit": self._max_tasks - 1,
            "key": key,
            "fingerprint": _fingerprint(fields) if key is not None else None,
        }
        statement = _insert(self._max_tasks > 0, key is not None)
        try:
            rows = statement.run(self._database, values, repeatable=key is not None)
        except psycopg2.errors.UniqueViolation:
            rows = []
        if rows:
            return CreatedTask(_versioned(user_id, rows[0]).task, replayed=False)
        if key is None:
            raise TaskLimitReached(self._max_tasks)
        return self._replay(values)

    def _replay(self, values: Mapping[str, Any]) -> CreatedTask:
        rows = _FIND_KEY.run(self._database, values, repeatable=True)
        if not rows:
            raise TaskLimitReached(self._max_tasks)
        fingerprint, answer = rows[0]
        if bytes(fingerprint) != values["fingerprint"]:
            raise IdempotencyKeyReused
        return CreatedTask(_versioned(values["user_id"], answer).task, replayed=True)

    def _write(
        self,
        statement: Statement,
        user_id: str,
        task_id: int,
        versions: Sequence[int] | None,
        values: Mapping[str, Any],
    ) -> VersionedTask:
        whole = {**values, "user_id": user_id, "task_id": task_id, "versions": _array(versions)}
        rows = statement.run(self._database, whole)
        if not rows:
            raise self._miss_of_write(user_id, task_id, versions)
        return _versioned(user_id, rows[0])

    def _miss_of_write(self, user_id: str, task_id: int, versions: Sequence[int] | None) -> Exception:
        if versions is not None and _FIND.run(
            self._database, {"user_id": user_id, "task_id": task_id}, repeatable=True
        ):
            return TaskChanged()
        return self._miss(task_id)

    def _miss(self, task_id: int) -> Exception:
        if self._reveal_foreign and _EXISTS.run(self._database, {"task_id": task_id}, repeatable=True):
            return Forbidden()
        return TaskNotFound(task_id)


def _versioned(user_id: str, row: Sequence[Any]) -> VersionedTask:
    return VersionedTask(as_tasks(user_id, [row])[0], row[COLUMNS.index("version")])


def _column_values(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Validated fields as column values: a due date takes two columns."""
    values = {name: fields[name] for name in fields if name != "due_date"}
    if "due_date" in fields:
        due: DueDate | None = parse_due_date(fields["due_date"]) if fields["due_date"] is not None else None
        values["due_at"] = due.at if due else None
        values["due_all_day"] = due.all_day if due else False
    return values


def _fingerprint(fields: Mapping[str, Any]) -> bytes:
    """What makes two creates the same: their validated fields, however they were written."""
    return hashlib.sha256(orjson.dumps(dict(fields), option=orjson.OPT_SORT_KEYS)).digest()


def _array(versions: Sequence[int] | None) -> list[int]:
    return list(versions or ())

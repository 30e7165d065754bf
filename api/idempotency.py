"""Creates with an Idempotency-Key: a key is kept with the id of its task and when that was made.

A repeat brings the same fields, so the rest of the first response stands in the repeat itself: a key takes the same
space however long its task's text is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from peewee import SQL, NodeList

from api.errors import IdempotencyKeyReused
from api.models import IdempotencyKey
from api.postgres.database import Database
from api.postgres.statements import Parameter, Statement, render

SHOWN_TO_THE_VERSION_BEFORE: Final = 1000
"""Characters of a description that `answer` holds. The version before this one replays from it, this one does not."""

_OWN_KEY: Final = (IdempotencyKey.user_id == Parameter("user_id")) & (IdempotencyKey.key == Parameter("key"))

_FIND: Final = render(
    IdempotencyKey.select(
        IdempotencyKey.fingerprint,
        IdempotencyKey.task_id,
        NodeList((IdempotencyKey.task_created_at, SQL("AT TIME ZONE 'UTC'"))),
        IdempotencyKey.answer,
    ).where(_OWN_KEY)
)

FORGET_KEY: Final = render(IdempotencyKey.delete().where(_OWN_KEY))

# A distributed PostgreSQL inserts a row of VALUES where its user is, while an INSERT … SELECT needs all nodes. A row's
# columns are computed in the order of the table, in which `answer` comes before `task_id`.
_KEEP: Final = """
WITH kept AS (
    INSERT INTO idempotency_keys (user_id, key, fingerprint, answer, task_id, task_created_at)
    VALUES (%s, %s, %s, jsonb_build_array(
        nextval('tasks_id_seq'), %s::text, left(%s::text, {shown}), %s::boolean,
        %s::timestamptz AT TIME ZONE 'UTC', %s::boolean,
        statement_timestamp() AT TIME ZONE 'UTC', statement_timestamp() AT TIME ZONE 'UTC', 1),
        currval('tasks_id_seq'), statement_timestamp())
    ON CONFLICT DO NOTHING RETURNING task_id, task_created_at, key
)
"""
_KEEP_NAMES: Final = ("user_id", "key", "fingerprint", "title", "description", "completed", "due_at", "due_all_day")


def insert_with_key(columns: Sequence[str], *, returning: str) -> Statement:
    """The statement that keeps a key and inserts its task, or does nothing where the key is known.

    A CTE that writes, which Peewee cannot say. The key is in its RETURNING so that a distributed PostgreSQL knows that
    it touches one user's rows alone.
    """
    names = ", ".join(columns)
    values = ", ".join("%s" for _ in columns)
    keep = _KEEP.format(shown=SHOWN_TO_THE_VERSION_BEFORE)
    sql = (
        f"{keep} INSERT INTO tasks ({names}, id, created_at, updated_at) "
        f"SELECT {values}, task_id, task_created_at, task_created_at FROM kept RETURNING {returning}"
    )
    return Statement(sql, (*_KEEP_NAMES, *columns))


def find_first_response(database: Database, values: Mapping[str, Any]) -> Sequence[Any] | None:
    """The row of the task that was made with this key, with further fields; None where the key is unknown.

    Raises IdempotencyKeyReused where the fields were others.
    """
    rows = _FIND.run(database, values, repeatable=True)
    if not rows:
        return None
    known, task_id, made_at, answer = rows[0]
    if bytes(known) != values["fingerprint"]:
        raise IdempotencyKeyReused
    if task_id is None:
        return (*answer, None)
    due = values["due_at"] and values["due_at"].replace(tzinfo=None).isoformat(" ")
    text = (values["title"], values["description"], values["completed"], due, values["due_all_day"])
    extra = values["extra"] and orjson.loads(values["extra"])
    return (task_id, *text, made_at, made_at, 1, extra)


def fingerprint(fields: Mapping[str, Any]) -> bytes:
    """What makes two creates the same: their validated fields, however they were written."""
    return hashlib.sha256(orjson.dumps(dict(fields), option=orjson.OPT_SORT_KEYS)).digest()

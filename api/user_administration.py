"""What an operator does to the users of our own table: list, disable, export, delete. No input or output."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final, NamedTuple

from api.list_queries import ListQuery
from api.postgres.database import Database
from api.task_list import list_tasks
from api.text import fold_case

BATCH: Final = 500
"""Rows read or deleted by one statement: a user may have any number of tasks."""

_COLUMNS: Final = """
id, email, name, password_hash IS NOT NULL, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
to_char(disabled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
"""
_LIST: Final = f"SELECT {_COLUMNS} FROM users WHERE id > %s ORDER BY id LIMIT %s"  # noqa: S608 constants alone
_FIND: Final = f"""
SELECT {_COLUMNS} FROM users WHERE id = %s OR email_folded = %s OR lower(email) = lower(%s) ORDER BY id
"""  # noqa: S608 constants alone

_DISABLE: Final = "UPDATE users SET disabled_at = coalesce(disabled_at, now()), signed_out_at = now() WHERE id = %s"
_ENABLE: Final = "UPDATE users SET disabled_at = NULL WHERE id = %s"
_REPLACE_HASH: Final = "UPDATE users SET password_hash = %s, signed_out_at = now() WHERE id = %s"

_COUNT_TASKS: Final = "SELECT count(*) FROM tasks WHERE user_id = %s"
_DELETE_TASKS: Final = """
DELETE FROM tasks WHERE user_id = %s AND id IN (SELECT id FROM tasks WHERE user_id = %s LIMIT %s) RETURNING id
"""
_DELETE: Final = "DELETE FROM users WHERE id = %s"

_KEYS: Final = """
SELECT key, task_id, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') FROM idempotency_keys
WHERE user_id = %s ORDER BY created_at
"""
_ADDRESSES: Final = """
SELECT encode(digest, 'hex'), to_char(seen_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') FROM account_addresses
WHERE user_id = %s ORDER BY seen_at
"""


class UserRecord(NamedTuple):
    """A row of the users table, with times as text. Without `is_local` an auth server knows the user."""

    user_id: str
    email: str | None
    name: str | None
    is_local: bool
    created_at: str
    disabled_at: str | None


def list_users(database: Database) -> Iterator[UserRecord]:
    """All users, by id."""
    last = ""
    while rows := database.run(_LIST, (last, BATCH), repeatable=True):
        yield from (UserRecord(*row) for row in rows)
        last = rows[-1][0]


def find_users(database: Database, id_or_email: str) -> list[UserRecord]:
    """The user with an id; else those with an e-mail, in any spelling: an auth server's users may share one."""
    folded = fold_case(id_or_email)
    rows = database.run(_FIND, (id_or_email, folded, id_or_email), repeatable=True)
    found = [UserRecord(*row) for row in rows]
    return [each for each in found if each.user_id == id_or_email] or [
        each for each in found if each.email is not None and fold_case(each.email) == folded
    ]


def disable(database: Database, user_id: str) -> None:
    """Let nobody log in to the account, and renew no token."""
    database.run(_DISABLE, (user_id,), repeatable=True)


def enable(database: Database, user_id: str) -> None:
    """Let its owner log in again. Tokens from before are still not renewed."""
    database.run(_ENABLE, (user_id,), repeatable=True)


def set_password(database: Database, user_id: str, password_hash: str) -> None:
    """Replace the password, and renew no token from before."""
    database.run(_REPLACE_HASH, (password_hash, user_id), repeatable=True)


def count_tasks(database: Database, user_id: str) -> int:
    """The number of a user's tasks."""
    return int(database.run(_COUNT_TASKS, (user_id,), repeatable=True)[0][0])


def delete(database: Database, user_id: str) -> None:
    """Delete the user and everything that belongs to them. What was interrupted can be repeated."""
    while database.run(_DELETE_TASKS, (user_id, user_id, BATCH), repeatable=True):
        pass
    database.run(_DELETE, (user_id,), repeatable=True)


def export(database: Database, user: UserRecord) -> dict[str, Any]:
    """Everything that is stored of a user but tasks and the password's hash."""
    keys = database.run(_KEYS, (user.user_id,), repeatable=True)
    addresses = database.run(_ADDRESSES, (user.user_id,), repeatable=True)
    return {
        "user": {
            "id": user.user_id,
            "email": user.email,
            "name": user.name,
            "local_account": user.is_local,
            "created_at": user.created_at,
            "disabled_at": user.disabled_at,
        },
        "idempotency_keys": [dict(zip(("key", "task_id", "created_at"), row, strict=True)) for row in keys],
        "addresses": [dict(zip(("digest", "seen_at"), row, strict=True)) for row in addresses],
    }


def export_tasks(database: Database, user_id: str) -> Iterator[dict[str, Any]]:
    """A user's tasks as the API shows them, oldest first, with the stored fields of frontends as `extra`."""
    page = list_tasks(database, user_id, ListQuery(descending=False, with_extra=True))
    for piece in chain([page.first], page.rest or ()):
        for task, extra in zip(piece.tasks, piece.extras, strict=True):
            yield {**task, "extra": extra} if extra else task

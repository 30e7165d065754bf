"""The stored rows of some users, read directly from the database in one snapshot."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Protocol

import psycopg2
from psycopg2.extras import RealDictCursor

TASKS = "SELECT id, user_id, title, completed, description, version FROM tasks WHERE starts_with(user_id, %s)"
KEYS = "SELECT user_id, key FROM idempotency_keys WHERE starts_with(user_id, %s)"


class DatabaseServer(Protocol):
    """A server, wherever it runs."""

    @property
    def url(self) -> str: ...


def read_stored(server: DatabaseServer, prefix: str) -> tuple[dict[str, list[dict[str, Any]]], dict[str, set[str]]]:
    """Tasks and idempotency keys by user, for all users whose id has this prefix."""
    tasks: dict[str, list[dict[str, Any]]] = defaultdict(list)
    keys: dict[str, set[str]] = defaultdict(set)
    connection = psycopg2.connect(server.url)
    connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(TASKS, (prefix,))
        for row in cursor:
            tasks[row["user_id"]].append(dict(row))
        cursor.execute(KEYS, (prefix,))
        for row in cursor:
            keys[row["user_id"]].add(row["key"])
    connection.close()
    return tasks, keys

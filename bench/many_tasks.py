"""Many users with many tasks, written by one statement: ids of 32 characters, every title another one.

Only columns that every version's table has are named, so that two versions can be given the same rows.
"""

from __future__ import annotations

from typing import Any

TASKS_EACH = 100

_USERS = "INSERT INTO users (id) SELECT md5('user' || n) FROM generate_series(0, %(users)s - 1) AS n"

# Neighbouring rows belong to different users, so no index but two is filled in its own order.
_TASKS = """
INSERT INTO tasks (user_id, title, description, completed, due_at, due_all_day)
SELECT
    md5('user' || n %% %(users)s),
    CASE WHEN hashint8(n) %% nullif(%(not_ascii_every)s, 0) = 0 THEN 'Crème ' ELSE 'Cream ' END
        || substr(md5('title' || n), 1, 20),
    CASE WHEN n %% 3 = 0 THEN 'A note on ' || md5('first' || n) || ' and ' || md5('second' || n) END,
    hashint8(n + 1) & 1 = 0,
    CASE WHEN hashint8(n + 2) & 1 = 0 THEN '2026-01-01T00:00Z'::timestamptz + (n %% 400) * interval '24 h' END,
    hashint8(n + 2) & 1 = 0
FROM generate_series(1, %(tasks)s::bigint) AS n
"""

_SIZES = "SELECT pg_table_size('tasks'), pg_indexes_size('tasks')"


def fill(connection: Any, *, tasks: int, not_ascii_every: int = 0) -> None:
    """Write the rows; of so many titles one is not ASCII (0: none). The statistics are then up to date.

    `connection` is psycopg2's, in autocommit.
    """
    users = max(1, tasks // TASKS_EACH)
    with connection.cursor() as cursor:
        cursor.execute(_USERS, {"users": users})
        cursor.execute(_TASKS, {"users": users, "tasks": tasks, "not_ascii_every": not_ascii_every})
        cursor.execute("VACUUM (ANALYZE) tasks")


def sizes(connection: Any) -> tuple[int, int]:
    """Bytes of the table of tasks and of its indexes."""
    with connection.cursor() as cursor:
        cursor.execute(_SIZES)
        table, indexes = cursor.fetchone()
    return table, indexes

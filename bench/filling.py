"""Copies the rows into a database: the same text for every service; only the due date's column is named differently."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bench.dataset import GROUPS, Group, task_rows, user_ids

SECONDARY_INDEXES = (
    "SELECT indexname, indexdef FROM pg_indexes "
    "WHERE schemaname = 'public' AND tablename = 'tasks' AND indexdef NOT LIKE 'CREATE UNIQUE%'"
)


def fill(
    connection: Any,
    due_column: str,
    groups: Sequence[Group] = GROUPS,
    on_rows: Callable[[int], None] = lambda rows: None,
) -> None:
    """Empty the tables, copy the rows, and build indexes, statistics and the visibility map.

    Autovacuum is off for the tables: it might run while one service is measured and not another. `on_rows` is called
    now and then with the number of copied tasks.
    """
    columns = f"id, user_id, title, description, completed, {due_column}, created_at, updated_at"
    rows = task_rows(groups)
    if due_column == "due_at":
        # Text that is ASCII is folded as it is.
        columns += ", folded_version"
        rows = (row.removesuffix("\n") + "\t1\n" for row in rows)
    with connection.cursor() as cursor:
        # In one transaction: a late request of the load before must not insert between the rows.
        cursor.execute("BEGIN")
        cursor.execute("TRUNCATE users, tasks RESTART IDENTITY CASCADE")
        cursor.execute("ALTER TABLE tasks SET (autovacuum_enabled = off)")
        cursor.execute(SECONDARY_INDEXES)
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        cursor.copy_expert("COPY users (id) FROM STDIN", _Lines(f"{user}\n" for user in user_ids(groups)))
        cursor.copy_expert(f"COPY tasks ({columns}) FROM STDIN", _Lines(rows, on_rows))
        for _, definition in indexes:
            cursor.execute(definition)
        cursor.execute("SELECT setval(pg_get_serial_sequence('tasks', 'id'), max(id)) FROM tasks")
        cursor.execute("COMMIT")
        cursor.execute("VACUUM (ANALYZE) users")
        cursor.execute("VACUUM (ANALYZE) tasks")
        cursor.execute("CHECKPOINT")


class _Lines:
    """The file that COPY reads: an iterator of lines, never all in memory."""

    def __init__(self, lines: Iterator[str], on_rows: Callable[[int], None] = lambda rows: None) -> None:
        self._lines = lines
        self._on_rows = on_rows
        self._rows = 0

    def read(self, size: int) -> str:
        taken: list[str] = []
        length = 0
        # psycopg2 counts `size` in bytes; every character of the rows is one byte.
        while length < size - 1024:
            line = next(self._lines, None)
            if line is None:
                break
            taken.append(line)
            length += len(line)
        self._rows += len(taken)
        self._on_rows(self._rows)
        return "".join(taken)

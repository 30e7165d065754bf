"""What a list must answer, worked out in plain Python over rows that the tests store themselves.

Nothing is asked of the service here but what a client sees in a whole, unfiltered list.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from api.postgres.database import Database

SORTS = ("created", "updated", "title", "due_date")
ORDERS = ("asc", "desc")
DEFAULT_ORDER = {"created": "desc", "updated": "desc", "title": "asc", "due_date": "asc"}

# title, description, completed, due, all day: equal titles but for case, equal and missing due dates, every state.
ROWS = [
    ("Milk", "two litres", False, "2026-03-01T00:00:00Z", True),
    ("milk", None, True, "2026-03-01T00:00:00Z", False),
    ("MILK", "for Zoë", False, "2026-03-01T08:00:00.000001Z", False),
    ("Bread", "and milk", True, None, False),
    ("bread", "", False, None, False),
    ("Apples", "red", False, "2026-02-28T23:59:59.999999Z", False),
    ("Zucchini", "green", True, "0001-01-01T00:00:00Z", True),
    ("zucchini", None, False, "9999-12-31T23:59:59.999999Z", False),
    ("Call", "the red phone", False, "9999-12-31T00:00:00Z", True),
    ("call", "THE GREEN PHONE", True, "2024-02-29T00:00:00Z", True),
    ("Écharpe", "rouge", False, None, False),
    ("écharpe", "verte", True, "2026-03-01T00:00:00Z", True),
    ("", None, False, None, False),
]


def store(database: Database, user_id: str, copies: int = 2) -> None:
    """Give a user the rows, some of them with the same times of creation and change."""
    database.run("INSERT INTO users (id) VALUES (%s) ON CONFLICT DO NOTHING", (user_id,))
    for number, (title, description, completed, due, all_day) in enumerate(ROWS * copies):
        database.run(
            "INSERT INTO tasks (user_id, title, description, completed, due_at, due_all_day, created_at, updated_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, timestamptz '2026-01-01Z' + %s * interval '1 s',"
            " timestamptz '2026-02-01Z' + %s * interval '1 microsecond')",
            (user_id, title or f"Task {number}", description, completed, due, all_day, number // 3, -number // 4),
        )


def sort(tasks: Iterable[dict[str, Any]], by: str, order: str) -> list[dict[str, Any]]:
    """The tasks in a sort's order; those without a due date are last whichever way it goes."""
    by = {"created_at": "created", "updated_at": "updated"}.get(by, by)
    descending = order == "desc"
    if by == "due_date":
        dated = [task for task in tasks if task["due_date"] is not None]
        undated = [task for task in tasks if task["due_date"] is None]
        dated.sort(key=lambda task: (_instant(task["due_date"]), task["id"]), reverse=descending)
        return dated + sorted(undated, key=lambda task: task["id"], reverse=descending)
    if by == "title":
        return sorted(tasks, key=lambda task: (folded(task["title"]), task["title"], task["id"]), reverse=descending)
    return sorted(tasks, key=lambda task: (task[f"{by}_at"], task["id"]), reverse=descending)


def select(tasks: Iterable[dict[str, Any]], status: str = "all", search: str = "") -> list[dict[str, Any]]:
    """The tasks of a status in which every word of a search stands."""
    words = folded(search).split()
    return [
        task
        for task in tasks
        if status in ("all", "completed" if task["completed"] else "pending")
        and all(word in folded(f"{task['title']}\n{task['description'] or ''}") for word in words)
    ]


def pages(tasks: Sequence[dict[str, Any]], limit: int) -> list[Sequence[dict[str, Any]]]:
    """The tasks cut into pages."""
    return [tasks[start : start + limit] for start in range(0, len(tasks), limit)]


def folded(text: str) -> str:
    """Without case and accents, for the Latin text of these rows."""
    return "".join(each for each in unicodedata.normalize("NFD", text).casefold() if not unicodedata.combining(each))


def _instant(due: str) -> str:
    return due if "T" in due else f"{due}T00:00:00.000000Z"

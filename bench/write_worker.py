"""One version's writes, in a process of its own: the `Tasks` of the version in whose folder it runs.

Started by write_costs.py. It migrates the database at the given URL. After the first line on standard input it chooses
tasks, and each further line names a write to repeat. It prints a line of JSON after each of these steps.
"""

from __future__ import annotations

import importlib
import json
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

CALLS = 200
"""Writes for one line of input."""

MAX_TASKS = 10_000
CREATORS = 500
"""Users for whom tasks are created."""

_OWN_TASKS = "SELECT id, user_id FROM tasks WHERE id %% 10 = %s ORDER BY md5(id::text)"


class Writer:
    """The writes by name, on one connection."""

    def __init__(self, version: str, url: str) -> None:
        self._version = version
        package = "api.postgres" if version == "after" else "api"
        self.database = importlib.import_module(f"{package}.database").Database(url, pool_size=1, statement_timeout=60)
        self._api = importlib.import_module("api.tasks")
        self._identity = importlib.import_module("api.tokens").Identity
        self._random = random.Random(1)
        self._number = 0
        self.writes: Mapping[str, Callable[[], None]] = {}

    def migrate(self) -> None:
        importlib.import_module("api.migrate").migrate(self.database, "users")

    def prepare(self) -> None:
        """Choose the tasks to write, once there are some; both versions choose the same."""
        changed = self._endless(self.database.run(_OWN_TASKS, (1,)))
        deleted = iter(self.database.run(_OWN_TASKS, (2,)))
        owners = sorted({user_id for _, user_id in self.database.run(_OWN_TASKS, (3,))})[:CREATORS]
        limited, unlimited = self._tasks(MAX_TASKS), self._tasks(0)
        unseen = ((tasks, owner) for tasks in iter(lambda: self._tasks(MAX_TASKS), None) for owner in owners)

        def update(**fields: object) -> None:
            task_id, user_id = next(changed)
            limited.update(self._user(user_id), task_id, fields)

        def create(tasks: Any, title: str, *key: str) -> None:
            tasks.create(self._identity(self._random.choice(owners), None, None), {"title": title}, *key)

        def create_first(title: str) -> None:
            tasks, owner = next(unseen)
            tasks.create(self._identity(owner, None, None), {"title": title})

        def toggle() -> None:
            task_id, user_id = next(changed)
            limited.toggle_completed(self._user(user_id), task_id)

        def delete() -> None:
            task_id, user_id = next(deleted)
            limited.delete(self._user(user_id), task_id)

        for owner in owners:
            limited.create(self._identity(owner, None, None), {"title": "The first"}, f"first of {owner}")
        self.writes = {
            "toggle": toggle,
            "title": lambda: update(title=self._title("Cream")),
            "title, not ASCII": lambda: update(title=self._title("Crème")),
            "due date": lambda: update(due_date=f"2026-0{self._random.randint(1, 9)}-11"),
            "create": lambda: create(limited, self._title("Cream")),
            "create, not ASCII": lambda: create(limited, self._title("Crème")),
            "create, the user's first in a process": lambda: create_first(self._title("Cream")),
            "create without a limit": lambda: create(unlimited, self._title("Cream")),
            "create with a key": lambda: create(limited, self._title("Cream"), f"key {self._number}"),
            "delete": delete,
        }

    def _tasks(self, max_tasks: int) -> Any:
        """The version's `Tasks`, whose process has seen no user yet. All users have rows."""
        if self._version == "before":
            return self._api.Tasks(self.database, None, max_tasks=max_tasks)
        limits = importlib.import_module("api.task_limits").TaskLimits(self.database, max_tasks=max_tasks)
        users = importlib.import_module("api.users_table").Users(self.database, "users", ours=True, provision=True)
        return self._api.Tasks(self.database, users, limits)

    def _user(self, user_id: str) -> Any:
        """Whose task is written, as the version's `Tasks` takes it."""
        return user_id if self._version == "before" else self._identity(user_id)

    def _title(self, word: str) -> str:
        self._number += 1
        return f"{word} {self._random.random()}"

    @staticmethod
    def _endless(rows: list[Any]) -> Iterator[Any]:
        while True:
            yield from rows


def main(version: str, url: str) -> None:
    """Serve the lines of standard input."""
    writer = Writer(version, url)
    writer.migrate()
    say({"migrated": True})
    sys.stdin.readline()
    writer.prepare()
    [(pid,)] = writer.database.run("SELECT pg_backend_pid()")
    say({"pid": pid, "writes": list(writer.writes)})
    for line in sys.stdin:
        write = writer.writes[line.strip()]
        for _ in range(CALLS):
            write()
        say({"done": CALLS})


def say(what: Mapping[str, object]) -> None:
    """Print a line of JSON."""
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A user's expected tasks by the responses: known after an acknowledged write, open after a 503 or no response.

This module sends no requests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class KnownTask:
    """An acknowledged task, in the state of its last acknowledged write."""

    id: int
    title: str
    completed: bool = False
    description: str | None = None
    version: int = 1
    open_writes: int = 0
    """Writes that may have been done or may still be done: the network may deliver them late."""

    def agrees_with(self, task: dict[str, Any]) -> bool:
        if task["title"] != self.title:
            return False
        same = (task["completed"], task["description"]) == (self.completed, self.description)
        within = 0 <= task.get("version", self.version) - self.version <= self.open_writes
        return within and (same or self.open_writes > 0)


@dataclass
class Ledger:
    """The expected tasks and idempotency keys of one user."""

    user_id: str
    tasks: dict[int, KnownTask] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    maybe_created: set[str] = field(default_factory=set)
    """Titles."""
    maybe_deleted: dict[int, KnownTask] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    """Idempotency keys of acknowledged creates; a key is also its task's title."""
    pending_key: str | None = None
    """The key of a create that is repeated until it is acknowledged."""
    created: int = 0

    def next_title(self) -> str:
        self.created += 1
        return f"{self.user_id}/{self.created}"

    def compare(self, tasks: list[dict[str, Any]]) -> list[str]:
        """The faults of a list of all the user's tasks: lost, duplicated, deleted or never created."""
        listed = {task["id"]: task for task in tasks}
        titles = {task["title"] for task in tasks}
        wrong = [f"lost: {task}" for task in self.tasks.values() if task.id not in listed]
        if not len(tasks) == len(listed) == len(titles):
            wrong.append(f"{self.user_id} has a task twice: {sorted(task['title'] for task in tasks)}")
        for task in tasks:
            known = self.tasks.get(task["id"])
            if known is not None:
                wrong += [] if known.agrees_with(task) else [f"{known} is {task}"]
            elif task["id"] in self.deleted:
                wrong.append(f"deleted and there again: {task}")
            elif task["id"] not in self.maybe_deleted and task["title"] not in self.maybe_created:
                wrong.append(f"never created: {task}")
        return wrong

    def compare_keys(self, keys: set[str], tasks: list[dict[str, Any]]) -> list[str]:
        """The faults of the stored idempotency keys: a key and its task are written together or not at all."""
        wrong = [f"lost key: {key}" for key in self.keys - keys]
        titles = {task["title"] for task in tasks}
        open_keys = {self.pending_key} - {None}
        wrong += [f"half-written: {key}" for key in open_keys if (key in keys) != (key in titles)]
        return wrong + [f"never sent: key {key}" for key in keys - self.keys - open_keys]

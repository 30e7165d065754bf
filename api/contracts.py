"""The route families: the differences between five specifications of this backend, as values.

A family says where its paths begin and which statuses its responses have. One set of resource classes serves all
families. A new family is one more entry in `FAMILIES`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Family:
    """One route family. `foreign_task_forbidden`: another user's task is 403, not 404."""

    collection: str
    invalid_status: int = 422
    foreign_task_forbidden: bool = False

    @property
    def item(self) -> str:
        """The URI template of one task."""
        return f"{self.collection}/{{task_id}}"

    @property
    def completion(self) -> str:
        """The URI template of a task's completion."""
        return f"{self.item}/complete"


CANONICAL: Final = Family("/api/tasks")
OWNER_PATH: Final = Family("/api/{user_id}/tasks")
BARE: Final = Family("/tasks", invalid_status=400, foreign_task_forbidden=True)

FAMILIES: Final = (CANONICAL, OWNER_PATH, BARE)

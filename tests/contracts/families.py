"""The three route families by the contract's table.

A separate copy on purpose: a change in api/contracts.py must fail a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

import pytest


@dataclass(frozen=True)
class Family:
    """A family's paths, and the statuses that differ between families."""

    name: str
    collection: str
    foreign: int
    invalid: int

    def tasks(self, owner: str) -> str:
        """The path of a user's tasks."""
        return self.collection.format(owner=quote(owner, safe=""))

    def task(self, owner: str, task_id: object) -> str:
        """The path of one task."""
        return f"{self.tasks(owner)}/{task_id}"

    def completion(self, owner: str, task_id: object) -> str:
        """The path of one task's completion."""
        return f"{self.task(owner, task_id)}/complete"


CANONICAL = Family("canonical", "/api/tasks", foreign=404, invalid=422)
OWNER_PATH = Family("owner path", "/api/{owner}/tasks", foreign=404, invalid=422)
BARE = Family("bare", "/tasks", foreign=403, invalid=400)
FAMILIES = (CANONICAL, OWNER_PATH, BARE)

in_every_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)

CODES = {400: "VALIDATION_ERROR", 403: "FORBIDDEN", 404: "NOT_FOUND", 422: "VALIDATION_ERROR"}
"""The error code for the status of a rejected task id."""

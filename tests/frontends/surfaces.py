"""What each profile that ships serves, by its summary and the facts of its client: paths, methods and statuses.

A separate copy on purpose: a change in api/profiles/ must fail a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest


@dataclass(frozen=True)
class Surface:
    """The calls of one profile, and the statuses that differ between profiles."""

    profile: str
    collection: str = "/api/tasks"
    completion: str = "/complete"
    completion_methods: tuple[str, ...] = ("PATCH",)
    completion_body: Any = None
    title: str = "title"
    deleted: int = 204
    deletes_all: bool = False
    foreign: int = 404
    foreign_names: tuple[str, ...] = ("user_id",)
    cookie: str = ""

    @property
    def names_owner(self) -> bool:
        return "{owner}" in self.collection

    def tasks(self, owner: str) -> str:
        """The path of a user's tasks."""
        return self.collection.format(owner=quote(owner, safe=""))

    def path(self, route: str, owner: str, task_id: object) -> str:
        """The path of a collection, a task or its completion."""
        if route == "collection":
            return self.tasks(owner)
        item = f"{self.tasks(owner)}/{task_id}"
        return item if route == "task" else f"{item}{self.completion}"

    def own(self, route: str) -> dict[str, int]:
        """The statuses of the user's own list, task or completion; any other method is 405."""
        if route == "collection":
            return {"GET": 200, "HEAD": 200, "POST": 201, **({"DELETE": self.deleted} if self.deletes_all else {})}
        if route == "task":
            return {"GET": 200, "HEAD": 200, "PUT": 200, "PATCH": 200, "DELETE": self.deleted}
        return dict.fromkeys(self.completion_methods, 200)


OWNER = "/api/{owner}/tasks"
ANY = ("PATCH", "POST", "PUT")

SURFACES = (
    Surface("canonical"),
    Surface("owner-path", OWNER),
    Surface("bare", "/tasks", foreign=403),
    Surface("plain", completion="/toggle", completion_methods=ANY, foreign_names=("user_id", "userId", "owner_id")),
    Surface("camel", completion="/toggle", foreign_names=("userId", "user_id")),
    Surface("success-cookie", OWNER, deleted=200, cookie="auth_token"),
    Surface("tasks-total", OWNER),
    Surface("owner-camel", OWNER, foreign_names=("userId", "user_id")),
    Surface("is-complete"),
    Surface("success-data", completion_body={"is_completed": True}, deleted=200),
    Surface("description", OWNER, title="description"),
    Surface("status"),
    Surface("starred", OWNER),
    Surface("laravel"),
    Surface("nest", "/tasks", completion="/status", completion_body={"status": "DONE"}),
    Surface("todo-backend", "/todos", deletes_all=True),
)

ROUTES = ("collection", "task", "completion")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

through_every_profile = pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.profile)

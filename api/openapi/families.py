"""The tags of the document: one for each route family, and those of the other operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from api.contracts import BARE, CANONICAL, FAMILIES, OWNER_PATH, Family


@dataclass(frozen=True, slots=True)
class Group:
    """A tag. Its operation ids contain `word`, so that they differ from those of the other families."""

    tag: str
    description: str
    word: str = ""


OF_FAMILY: Final[Mapping[Family, Group]] = {
    CANONICAL: Group("Tasks", "The user's tasks. Another user's task is not found. Start here."),
    OWNER_PATH: Group(
        "Tasks, owner in the path",
        "The same tasks for frontends that name the user in the path. Another user's path is forbidden.",
        "User",
    ),
    BARE: Group(
        "Tasks, bare paths",
        "The same tasks for frontends that expect 400 for invalid input and 403 for another user's task.",
        "Bare",
    ),
}
ACCOUNTS: Final = Group("Accounts", "Local accounts, for deployments without an auth server.")
SERVICE: Final = Group("Service", "The state of the service, for supervisors and proxies.")

GROUPS: Final = (*OF_FAMILY.values(), ACCOUNTS, SERVICE)
"""In the document's order."""


def family_of(template: str) -> Family | None:
    """The family that a URI template belongs to. None if it is not a path of tasks."""
    return next((each for each in FAMILIES if template in (each.collection, each.item, each.completion)), None)


def group_of(template: str) -> Group:
    """The group of a URI template's operations."""
    family = family_of(template)
    if family is not None:
        return OF_FAMILY[family]
    return ACCOUNTS if template.startswith("/auth/") else SERVICE

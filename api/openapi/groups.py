"""The tags of the document: one for each wire format, and those of the other operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from api.profiles.wire_format import WireFormat


@dataclass(frozen=True, slots=True)
class Group:
    """A tag. Its operation ids contain `word`, so that they differ from those of the other wire formats."""

    tag: str
    description: str
    word: str = ""


ACCOUNTS: Final = Group("Accounts", "Local accounts, for deployments without an auth server.")
SERVICE: Final = Group("Service", "The state of the service, for supervisors and proxies.")


def group_formats(formats: Sequence[WireFormat]) -> dict[WireFormat, Group]:
    """The group of each wire format. The operations of the first have the plain ids."""
    groups: dict[WireFormat, Group] = {}
    for wire_format in formats:
        if not groups:
            groups[wire_format] = Group("Tasks", wire_format.summary)
        else:
            words = wire_format.name.replace("_", "-").split("-")
            word = "".join(part.capitalize() for part in words)
            groups[wire_format] = Group(f"Tasks, {' '.join(words)}", wire_format.summary, word)
    return groups

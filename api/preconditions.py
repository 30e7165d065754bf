"""Entity tags: a task's version on the wire, and what a request's conditions say of it (RFC 9110, section 13)."""

from __future__ import annotations

import re
from typing import Final

from falcon import Request

_ENTITY_TAG: Final = re.compile(r'(?:^|,)[ \t]*(W/)?"([^"]*)"[ \t]*(?=,|$)')
_VERSION: Final = re.compile(r"[1-9][0-9]{0,9}")
_LAST_VERSION: Final = 2**31 - 1
"""The column's last; PostgreSQL refuses to compare it with an integer past that."""

_ANY: Final = "*"


def entity_tag(version: int) -> str:
    """The strong entity tag of a task at this version."""
    return f'"{version}"'


def versions_to_match(req: Request) -> list[int] | None:
    """The versions that If-Match names; None where any will do, which is without it, too.

    A weak tag matches nothing, nor does anything that is not a tag of ours.
    """
    header = req.get_header("If-Match")
    if header is None or header.strip() == _ANY:
        return None
    strong = [tag for weak, tag in _ENTITY_TAG.findall(header) if not weak and _VERSION.fullmatch(tag)]
    return [version for version in map(int, strong) if version <= _LAST_VERSION]


def is_known(req: Request, version: int) -> bool:
    """Whether If-None-Match names this version, weakly or strongly: the client has the task already."""
    header = req.get_header("If-None-Match")
    if header is None:
        return False
    return header.strip() == _ANY or any(tag == str(version) for _, tag in _ENTITY_TAG.findall(header))

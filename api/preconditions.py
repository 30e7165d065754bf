"""A task's version as its entity tag, and the versions in a request's preconditions (RFC 9110, section 13)."""

from __future__ import annotations

import re
from typing import Final

from api.entity_tags import format_tag, has_weak_tag, matches_if_none_match, parse_if_match
from api.request_context import Request

_VERSION: Final = re.compile(r"[1-9][0-9]{0,9}")
_LAST_VERSION: Final = 2**31 - 1
"""The greatest value of the column, an int4. To compare it with a greater one is an error in PostgreSQL."""


def entity_tag(version: int) -> str:
    """The ETag field of a task at this version."""
    return format_tag(str(version))


def versions_to_match(req: Request) -> list[int] | None:
    """The versions that If-Match names; None if every version matches, which includes a missing header.

    A weak tag, which the context notes, matches no version, nor does a tag that this service never issues.
    """
    tags = parse_if_match(req.get_header("If-Match"))
    if tags is None:
        return None
    req.context.sent_weak_tag = has_weak_tag(req.get_header("If-Match"))
    return [version for version in map(int, filter(_VERSION.fullmatch, tags)) if version <= _LAST_VERSION]


def is_known(req: Request, version: int) -> bool:
    """Whether If-None-Match names this version: the client has the task already."""
    return matches_if_none_match(req.get_header("If-None-Match"), str(version))

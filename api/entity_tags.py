"""Entity tags in header fields (RFC 9110, section 8.8.3). A tag is passed here without its quotes."""

from __future__ import annotations

import re
from typing import Final

_TAG: Final = re.compile(r'(?:^|,)[ \t]*(W/)?"([^"]*)"[ \t]*(?=,|$)')
_ANY: Final = "*"


def format_tag(tag: str) -> str:
    """The value of an ETag field: a strong tag."""
    return f'"{tag}"'


def format_weak_tag(tag: str) -> str:
    """The value of an ETag field: a weak tag, for a representation that may be sent in several codings."""
    return f'W/"{tag}"'


def parse_if_match(header: str | None) -> list[str] | None:
    """The strong tags of If-Match; None if every tag matches, because the header is missing or is `*`.

    Weak tags are left out: they never match here (section 13.1.1).
    """
    if header is None or header.strip() == _ANY:
        return None
    return [tag for weak, tag in _TAG.findall(header) if not weak]


def has_weak_tag(header: str | None) -> bool:
    """Whether If-Match names a weak tag. This service issues none for one task: a proxy has weakened it."""
    return header is not None and any(weak for weak, _ in _TAG.findall(header))


def matches_if_none_match(header: str | None, tag: str) -> bool:
    """Whether If-None-Match names `tag`, as a weak or a strong one, or is `*`: the response is then 304."""
    if header is None:
        return False
    return header.strip() == _ANY or any(each == tag for _, each in _TAG.findall(header))

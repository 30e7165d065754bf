"""Which content coding a client accepts (RFC 9110, section 12.5.3)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

GZIP: Final = "gzip"

_MEMBER: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:[ \t]*;[ \t]*q=([01](?:\.[0-9]{0,3})?))?", re.IGNORECASE)


# Few, for a field that a client sends may be as long as a head.
@lru_cache(maxsize=64)
def prefers_gzip(header: str | None) -> bool:
    """Whether a client with this Accept-Encoding accepts gzip, and does not rate the plain form higher.

    Without the field a client may expect the plain form only, so it gets that one. A malformed member is ignored.
    """
    weights: dict[str, float] = {}
    for member in (header or "").split(","):
        match = _MEMBER.fullmatch(member.strip())
        if match is not None:
            weights[match[1].lower()] = min(float(match[2] or 1), 1)
    anything = weights.get("*", 0)
    compressed = weights.get(GZIP, weights.get("x-gzip", anything))
    return compressed > 0 and compressed >= weights.get("identity", 0)

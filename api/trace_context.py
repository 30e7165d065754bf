"""The header field `traceparent` of W3C Trace Context, for the log."""

from __future__ import annotations

import re
from typing import Final

_TRACEPARENT: Final = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?P<rest>-.*)?"
)
_LENGTH: Final = 55


def traceparent(given: str | None) -> str | None:
    """The valid value, None for any other (W3C Trace Context, section 3.2).

    A later version may have further fields behind those that are known; they are left out.
    """
    match = _TRACEPARENT.fullmatch(given) if given else None
    if match is None or (match["version"] == "00" and match["rest"] is not None):
        return None
    return match.string[:_LENGTH]

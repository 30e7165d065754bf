"""The id of a request in its response and in the log."""

from __future__ import annotations

import re
from random import getrandbits
from typing import Final

PATTERN: Final = "[A-Za-z0-9._-]{1,128}"
_REQUEST_ID: Final = re.compile(PATTERN)


def request_id(given: str | None) -> str:
    """The caller's X-Request-ID if it is valid, otherwise a new id.

    A new one need not be a secret, so it costs no system call.
    """
    return given if given and _REQUEST_ID.fullmatch(given) else getrandbits(128).to_bytes(16, "big").hex()

"""gzip for lists of tasks (RFC 9110, section 8.4.1.3).

A single task is never compressed: its strong entity tag names one representation. Nor is what a cookie or the client's
address has authenticated: pages of other sites can send such requests too, and to those who see the length of a
compressed response it tells something about the user's text (the attack BREACH).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from falcon import Response

from api.request_context import Request

MIN_BYTES: Final = 1024
"""The length from which a body is compressed. A shorter one fits a packet either way."""

_LEVEL: Final = 1
"""For JSON of tasks, level 4 saves another hundredth of the bytes and takes a third more time."""
_GZIP: Final = 16 + zlib.MAX_WBITS

_CODING: Final = re.compile(
    r"[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*(?:;[ \t]*q=([01](?:\.[0-9]{0,3})?)[ \t]*)?", re.IGNORECASE
)


def accepts_gzip(header: str | None) -> bool:
    """Whether Accept-Encoding allows gzip (RFC 9110, section 12.5.3). Without the field the body is sent as it is."""
    qualities = {}
    for element in (header or "").split(","):
        match = _CODING.fullmatch(element)
        if match is not None:
            qualities[match[1].lower()] = float(match[2] or 1)
    fallback = qualities.get("*", 0)
    return max(qualities.get("gzip", fallback), qualities.get("x-gzip", 0)) > 0


def compress(req: Request, resp: Response) -> None:
    """Compress the body that the response has, if it is worth it and the request allows it."""
    resp.append_header("Vary", "Accept-Encoding")
    if "HTTP_AUTHORIZATION" not in req.env or not accepts_gzip(req.get_header("Accept-Encoding")):
        return
    if isinstance(resp.stream, Iterable):
        resp.stream = _compress_all(resp.stream)
    elif resp.data is not None and len(resp.data) >= MIN_BYTES:
        resp.data = b"".join(_compress_all([resp.data]))
    else:
        return
    resp.set_header("Content-Encoding", "gzip")


def _compress_all(pieces: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(_LEVEL, wbits=_GZIP)
    yield from filter(None, map(compressor.compress, pieces))
    yield compressor.flush()

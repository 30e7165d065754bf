"""gzip for lists of tasks (RFC 9110, section 8.4.1.3).

A single task is never compressed: its strong entity tag names one representation. Nor is what a cookie or the client's
address has authenticated: pages of other sites can send such requests too, and to those who see the length of a
compressed response it tells something about the user's text (the attack BREACH).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from falcon import Response

from api.content_codings import GZIP, prefers_gzip
from api.request_context import Request

MIN_BYTES: Final = 1024
"""The length from which a body is compressed. A shorter one fits a packet either way."""

_LEVEL: Final = 1
"""For JSON of tasks, level 4 saves another hundredth of the bytes and takes a third more time."""
_GZIP_FORMAT: Final = 16 + zlib.MAX_WBITS


def compress(req: Request, resp: Response) -> None:
    """Compress the body that the response has, if it is worth it and the request allows it."""
    resp.append_header("Vary", "Accept-Encoding")
    if "HTTP_AUTHORIZATION" not in req.env or not prefers_gzip(req.get_header("Accept-Encoding")):
        return
    if isinstance(resp.stream, Iterable):
        resp.stream = _compress_all(resp.stream)
    elif resp.data is not None and len(resp.data) >= MIN_BYTES:
        resp.data = b"".join(_compress_all([resp.data]))
    else:
        return
    resp.set_header("Content-Encoding", GZIP)


def _compress_all(pieces: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(_LEVEL, wbits=_GZIP_FORMAT)
    yield from filter(None, map(compressor.compress, pieces))
    yield compressor.flush()

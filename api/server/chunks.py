"""A request body in the transfer coding chunked, as it arrives (RFC 9112 section 7.1).

Apart from request.py because it is a state machine of its own. Stricter than waitress' receiver about line
ends and sizes, and cheap where a client sends a body in many small pieces.
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import Final

from waitress.utilities import BadRequest

from api.server.body import Body

_MAX_LINE: Final = 256
_MAX_TRAILER: Final = 8192
_FREE_FRAMING: Final = 65536
"""Bytes of chunk sizes and line ends that are always allowed; past them, no more than there are bytes of body."""

_SIZE_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[\t -~\x80-\xff]*)?")
_TRAILER_LINE: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~\x80-\xff]*")


class Chunks:
    """A receiver, as waitress' parser needs it. Extensions and trailers are checked and dropped."""

    def __init__(self, buffer: Body) -> None:
        self.buf = buffer
        self.completed = False
        self.error: BadRequest | None = None
        self._step = self._read_size
        self._unread = b""
        self._left = 0
        self._framing = 0
        self._trailer = 0

    def __len__(self) -> int:
        return len(self.buf)

    def getfile(self) -> BytesIO:
        return self.buf.getfile()

    def getbuf(self) -> Body:
        return self.buf

    def received(self, data: bytes) -> int:
        """Take in a piece of the stream; how many of its bytes belong to this body."""
        stream = self._unread + data
        at = 0
        while not self.completed and self.error is None and (taken := self._step(stream, at)):
            at += taken
        self._unread = stream[at:]
        return len(data) - len(self._unread) if self.completed else len(data)

    # Each step reads one element at `at` and returns its size in bytes; 0 when its end has not arrived, or on error.

    def _read_size(self, stream: bytes, at: int) -> int:
        end = self._line_end(stream, at, _MAX_LINE)
        if end < 0:
            return 0
        match = _SIZE_LINE.fullmatch(stream, at, end)
        self._framing += end + 4 - at
        if match is None or self._framing > _FREE_FRAMING + len(self.buf):
            return self._refuse()
        self._left = int(match[1], 16)
        self._step = self._read_data if self._left else self._read_trailer
        return end + 2 - at

    def _read_data(self, stream: bytes, at: int) -> int:
        taken = min(self._left, len(stream) - at)
        if taken:
            self.buf.append(stream[at : at + taken])
            self._left -= taken
        if not self._left:
            self._step = self._read_data_end
        return taken

    def _read_data_end(self, stream: bytes, at: int) -> int:
        if not b"\r\n".startswith(stream[at : at + 2]):
            return self._refuse()
        if len(stream) < at + 2:
            return 0
        self._step = self._read_size
        return 2

    def _read_trailer(self, stream: bytes, at: int) -> int:
        end = self._line_end(stream, at, _MAX_TRAILER - self._trailer)
        if end < 0:
            return 0
        if end == at:
            self.completed = True
        elif not _TRAILER_LINE.fullmatch(stream, at, end):
            return self._refuse()
        self._trailer += end + 2 - at
        return end + 2 - at

    def _line_end(self, stream: bytes, at: int, limit: int) -> int:
        end = stream.find(b"\r\n", at, at + limit + 2)
        if end < 0 and len(stream) - at > limit:
            self._refuse()
        return end

    def _refuse(self) -> int:
        self.error = BadRequest("The body is not in the transfer coding chunked")
        return 0

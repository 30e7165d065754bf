"""The application's response: the call of PEP 3333, and how its pieces are framed (RFC 9112 sections 6, 7 and 9).

A response is asked for one piece after the other, so that no thread waits while a client reads.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import WSGIApplication

    from api.server.request import Request

logger = logging.getLogger("api.server")

_WITHOUT_CONTENT: Final = ("1", "204", "304")
_HOP_BY_HOP: Final = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
    )
)
"""Fields that are the server's to write."""
_WATCHED: Final = _HOP_BY_HOP | {"content-length", "date"}


class Response:
    """One response of a WSGI application, written to `send`, which takes buffers and never waits."""

    head_sent = False
    _pieces: Iterable[bytes] = ()
    _iterator: Iterator[bytes] = iter(())
    _is_one_piece = False
    _head: bytes | None = None
    _has_date = False
    _has_content = True
    """Whether the status allows content; the response to HEAD has its headers only."""
    _has_body = True
    _length: int | None = None
    _chunked = False
    _sent = 0

    def __init__(
        self,
        request: Request,
        send: Callable[[list[bytes]], None],
        *,
        is_last: Callable[[], bool],
        closes: bool = False,
    ) -> None:
        """`is_last` is asked when the head is sent: whether the connection must close after this response."""
        self._request = request
        self._send = send
        self._is_last = is_last
        self.closes = closes or request.connection_close
        """Whether the connection ends with this response; settled when all is sent."""

    def begin(self, application: WSGIApplication) -> None:
        """Call the application."""
        self._pieces = pieces = application(self._request.environ, self._start_response)
        self._iterator = iter(pieces)
        self._is_one_piece = isinstance(pieces, (list, tuple)) and len(pieces) == 1

    def send_next(self) -> bool:
        """Ask the application for its next piece and send it; False once all is sent."""
        for piece in self._iterator:
            if piece:
                self._write(piece, is_whole=self._is_one_piece)
                if not self._is_one_piece:
                    return True
        self._finish()
        return False

    @property
    def ends_with_connection(self) -> bool:
        """Whether it has begun, and nothing but the end of the connection marks its end."""
        return self.head_sent and self._has_body and not self._chunked and self._length is None

    def close(self) -> None:
        """Close the application's iterable, the first time that this is called."""
        close = getattr(self._pieces, "close", None)
        self._pieces = self._iterator = iter(())
        if close is not None:
            close()

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None
    ) -> Callable[[bytes], object]:
        if exc_info is not None:
            try:
                if self.head_sent and exc_info[1] is not None:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                # The traceback holds this frame.
                exc_info = None
        elif self._head is not None:
            raise AssertionError("start_response was called twice, the second time without exc_info")
        self._has_content = not status.startswith(_WITHOUT_CONTENT)
        self._has_body = self._has_content and self._request.command != "HEAD"
        self._length = None
        self._has_date = False
        lines = [f"HTTP/1.1 {status}"]
        for name, value in headers:
            lowered = name.lower()
            if lowered not in _WATCHED or self._takes(lowered, value):
                lines.append(name + ": " + value)
        head = "\r\n".join(lines)
        if head.count("\r") >= len(lines) or head.count("\n") >= len(lines):
            raise ValueError("the status or a header holds a line break")
        self._head = head.encode("latin-1")
        return self._write

    def _takes(self, lowered: str, value: str) -> bool:
        """Note what a header says of the framing; whether it is to be sent."""
        if lowered in _HOP_BY_HOP:
            raise ValueError(f"{lowered} is for the server to send")
        if lowered == "date":
            self._has_date = True
        elif self._has_content and value.isascii() and value.isdigit():
            self._length = int(value)
        elif self._has_content:
            raise ValueError("Content-Length is not a number")
        else:
            return False
        return True

    def _write(self, piece: bytes, *, is_whole: bool = False) -> None:
        """Send a piece of content, behind the head where that is not out yet."""
        if self._head is None:
            raise AssertionError("start_response was not called before the first piece of the body")
        parts = []
        if not self.head_sent:
            parts.append(self._complete_head(self._head, len(piece) if is_whole else None))
            self.head_sent = True
        if piece and self._has_body:
            parts += self._frame(piece)
        if parts:
            self._send(parts)

    def _complete_head(self, head: bytes, length: int | None) -> bytes:
        """The head with framing, Date and Connection; `length` is that of the content, where it is known."""
        fields = [head]
        if self._has_content and self._length is None:
            if length is not None:
                self._length = length
                fields.append(b"Content-Length: %d" % length)
            elif self._request.version == "1.1":
                self._chunked = self._has_body
                fields.append(b"Transfer-Encoding: chunked")
            else:
                self.closes = True
        if not self._has_date:
            fields.append(_date_line(int(time.time())))
        if self.closes or self._is_last():
            self.closes = True
            fields.append(b"Connection: close")
        elif self._request.version == "1.0":
            fields.append(b"Connection: keep-alive")
        fields.append(b"\r\n")
        return b"\r\n".join(fields)

    def _frame(self, piece: bytes) -> list[bytes]:
        if self._chunked:
            return [b"%X\r\n" % len(piece), piece, b"\r\n"]
        if self._length is not None and len(piece) > self._length - self._sent:
            logger.warning("the application's body is longer than its Content-Length, %d", self._length)
            piece = piece[: self._length - self._sent]
        self._sent += len(piece)
        return [piece]

    def _finish(self) -> None:
        if not self.head_sent:
            # What HEAD leaves out may be of any length.
            self._write(b"", is_whole=self._has_body)
        if self._chunked:
            self._send([b"0\r\n\r\n"])
        elif self._has_body and self._length is not None and self._sent < self._length:
            logger.warning("the application's body is shorter than its Content-Length, %d", self._length)
            self.closes = True


@lru_cache(maxsize=1)
def _date_line(second: int) -> bytes:
    return f"Date: {formatdate(second, usegmt=True)}".encode("ascii")

"""One HTTP/1.x request as it arrives, and what makes the server reject it before the application sees it.

Stricter than waitress' own parser wherever two parsers could read one message in two ways (RFC 9112 section
11.2). How long a client may take is in connection.py.
"""

from __future__ import annotations

import re
import socket
import sys
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from waitress.parser import HTTPRequestParser, ParsingError, TransferEncodingNotImplemented
from waitress.receiver import FixedStreamReceiver
from waitress.utilities import BadRequest, RequestHeaderFieldsTooLarge

from api.server.body import Body
from api.server.chunks import Chunks

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MAX_HEAD: Final = 64 * 1024
MAX_BODY: Final = 4 * 1024 * 1024
MAX_FIELDS: Final = 100
"""Header lines a request may have: far more than browsers and proxies send."""

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE: Final = rb"(" + _TOKEN + rb") ([!-~]+) HTTP/(1\.[01])\r\n"
_HEAD: Final = re.compile(_REQUEST_LINE + rb"((?:" + _TOKEN + rb":[\t -~\x80-\xff]*\r\n)*)(?:\r\n)?")
_BEGINNING: Final = re.compile(_REQUEST_LINE)
_HOST: Final = re.compile(r"(?:[A-Za-z0-9\-._~%!$&'()*+;=]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")
_SLASH: Final = re.compile("%2f", re.IGNORECASE)
_BARE_LINE_FEED: Final = re.compile(rb"(?<!\r)\n")


class _Limits:
    """The settings that waitress' parser reads."""

    max_request_header_size = MAX_HEAD
    max_request_body_size = MAX_BODY + 1
    """The smallest size that is rejected."""


class Request(HTTPRequestParser):  # type: ignore[misc]
    """One request; `refusal` says whether the server must reject it.

    Inherits from waitress' parser, which collects the head, reads a body of known length and keeps the limits; reading
    the head is overridden. To hold a parser instead would mean a second reading of each head, whose result (path,
    lengths, codings, Connection) would then have to be replaced.
    """

    command = ""
    error: Any

    def __init__(self, environ: WSGIEnvironment) -> None:
        """The WSGI environment is filled in as the request is read; it must be this request's own."""
        super().__init__(_Limits)
        # waitress' parser writes the length of a chunked body into `headers`.
        self.environ = self.headers = environ
        self._head = bytearray()
        self._line_checked = False

    @property
    def refusal(self) -> tuple[HTTPStatus, str] | None:
        """Status and reason, where the request must be rejected."""
        return None if self.error is None else (HTTPStatus(self.error.code), self.error.body)

    def received(self, data: bytes) -> int:
        """Take in bytes of the connection; how many of them belong to this request. Stops once behind the head."""
        consumed: int = super().received(data) if self.headers_finished else self._receive_head(data)
        if self.error is not None:
            self.completed = True
        if self.completed:
            # waitress would ask for a body that was refused or never announced, and then wait for it.
            self.expect_continue = False
        return consumed

    def input_stream(self) -> Any:
        """The whole body, as wsgi.input."""
        return BytesIO() if self.body_rcv is None else self.body_rcv.getfile()

    @property
    def body_size(self) -> int:
        """Bytes of the body that have arrived."""
        return 0 if self.body_rcv is None else len(self.body_rcv)

    def _receive_head(self, data: bytes) -> int:
        """Take in bytes of the head. waitress gets it as a whole: it would search all of it at each byte."""
        known = len(self._head)
        self._head += data
        end = self._head.find(b"\r\n\r\n", max(0, known - 3)) + 4
        if self._head[:1].isspace():
            # waitress removes it; other servers do not.
            self.error = BadRequest("The request line is not valid")
        elif end >= 4:
            super().received(bytes(self._head[:end]))
            return end - known
        elif len(self._head) >= MAX_HEAD:
            super().received(bytes(self._head))
        else:
            self._check_beginning(known)
        return len(data)

    def _check_beginning(self, known: int) -> None:
        """Reject at once what no further byte can make a head; the first `known` bytes have been checked."""
        if _BARE_LINE_FEED.search(self._head, known):
            self.error = BadRequest("A line does not end in CR LF")
        elif not self._line_checked and 0 <= self._head.find(b"\r", max(0, known - 1)) < len(self._head) - 1:
            self._line_checked = True
            if not _BEGINNING.match(self._head):
                self.error = BadRequest("The request line is not valid")

    def parse_header(self, header_plus: bytes) -> None:
        """Take the head apart: request line and fields, as RFC 9112 sections 3 and 5 have them."""
        head = _HEAD.fullmatch(header_plus)
        if head is None:
            raise ParsingError("The request line or a header is not valid")
        method, target, version, fields = head.groups()
        environ = self.environ
        self.command = environ["REQUEST_METHOD"] = method.decode("ascii")
        self.version = version.decode("ascii")
        environ["SERVER_PROTOCOL"] = f"HTTP/{self.version}"
        lines = fields.decode("latin-1").split("\r\n")
        lines.pop()
        if len(lines) > MAX_FIELDS:
            self.error = RequestHeaderFieldsTooLarge("")
            return
        for line in lines:
            name, _, value = line.partition(":")
            # In WSGI `X_Forwarded_For` could not be told from `X-Forwarded-For`.
            if "_" not in name:
                key = _variable(name)
                value = value.strip(" \t")
                environ[key] = f"{environ[key]}, {value}" if key in environ else value
        self._take_host(self._take_target(target.decode("ascii")))
        self._take_framing()
        self._take_connection()

    def _take_target(self, target: str) -> str:
        """Origin-form, or absolute-form, whose authority is returned (RFC 9112 section 3.2)."""
        authority = ""
        if "#" in target:
            raise ParsingError("The request target holds a fragment")
        if not target.startswith("/"):
            scheme, separator, rest = target.partition("://")
            if not separator or scheme.lower() not in ("http", "https"):
                raise ParsingError("The request target is not a path")
            end = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
            authority, target = rest[:end], rest[end:]
            if not target.startswith("/"):
                target = "/" + target
            if not authority:
                raise ParsingError("The request target names no host")
        path, _, query = target.partition("?")
        self.environ["REQUEST_URI"] = target
        self.environ["PATH_INFO"] = "/" + (_decode(path) if "%" in path else path).lstrip("/")
        self.environ["QUERY_STRING"] = query
        return authority

    def _take_host(self, authority: str) -> None:
        """Check the host; that of an absolute target replaces the Host header."""
        host = self.environ.get("HTTP_HOST")
        if host is None and self.version == "1.1":
            raise ParsingError("A Host header is required")
        # Two of them have become one with a comma, which is in no host.
        if not _HOST.fullmatch(host or ""):
            raise ParsingError("The Host header is not valid")
        if authority:
            if not _HOST.fullmatch(authority):
                raise ParsingError("The request target's host is not valid")
            self.environ["HTTP_HOST"] = authority

    def _take_framing(self) -> None:
        """How long the body is: RFC 9112 section 6.3, without what it lets a server repair."""
        coding = self.environ.pop("HTTP_TRANSFER_ENCODING", None)
        length = self.environ.get("CONTENT_LENGTH")
        if coding is not None:
            if length is not None:
                raise ParsingError("Content-Length and Transfer-Encoding exclude each other")
            if self.version == "1.0":
                raise ParsingError("HTTP/1.0 has no Transfer-Encoding")
            if coding.lower() != "chunked":
                raise TransferEncodingNotImplemented("Only the transfer coding chunked is known")
            self.chunked = True
            self.body_rcv = Chunks(Body())
        elif length is not None:
            if not (length.isascii() and length.isdigit()):
                raise ParsingError("Content-Length is not a number")
            # int() refuses thousands of digits; what has 16 is refused for its size anyway.
            self.content_length = int(length[:16]) if length.lstrip("0") else 0
            if self.content_length:
                self.body_rcv = FixedStreamReceiver(self.content_length, Body())

    def _take_connection(self) -> None:
        options = {option.strip().lower() for option in self.environ.get("HTTP_CONNECTION", "").split(",")}
        if self.version == "1.0":
            self.connection_close = "keep-alive" not in options or "close" in options
        else:
            self.connection_close = "close" in options
            self.expect_continue = self.environ.get("HTTP_EXPECT", "").lower() == "100-continue"


def base_environ(listener: socket.socket, *, multiprocess: bool) -> WSGIEnvironment:
    """What is the same in the WSGI environments of all requests."""
    host, port = listener.getsockname()[:2]
    return {
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_SOFTWARE": "",
        "SCRIPT_NAME": "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": multiprocess,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }


def _decode(path: str) -> str:
    """A path's octets as Latin-1 text. An encoded slash stays encoded: it separates nothing (RFC 3986 section 2.2)."""
    return unquote_to_bytes(_SLASH.sub("%252F", path)).decode("latin-1")


# Few, for a name that a client sends may be as long as a head.
@lru_cache(maxsize=64)
def _variable(name: str) -> str:
    """The key of a header field in the WSGI environment."""
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_LENGTH", "CONTENT_TYPE") else f"HTTP_{key}"

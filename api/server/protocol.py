"""What this server takes for an HTTP/1.x request, and what it refuses before the application sees it.

Stricter than waitress' own parser wherever two parsers could read one message in two ways (RFC 9112 section
11.2). How a refusal is answered is in answers.py, how long a client may take in channel.py.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from waitress.buffers import OverflowableBuffer
from waitress.parser import HTTPRequestParser, ParsingError, TransferEncodingNotImplemented
from waitress.receiver import FixedStreamReceiver
from waitress.utilities import BadRequest, RequestHeaderFieldsTooLarge

from api.server.chunks import Chunks

MAX_FIELDS: Final = 100
"""Header lines a request may have: far more than browsers and proxies send."""

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE: Final = rb"(" + _TOKEN + rb") ([!-~]+) HTTP/(1\.[01])\r\n"
_HEAD: Final = re.compile(_REQUEST_LINE + rb"((?:" + _TOKEN + rb":[\t -~\x80-\xff]*\r\n)*)(?:\r\n)?")
_BEGINNING: Final = re.compile(rb"[\r\n]*(?:" + _REQUEST_LINE + rb"|[^\r\n]*\r?\Z)")
"""Whatever may still become a head: a request line, or a piece of one."""
_HOST: Final = re.compile(r"(?:[A-Za-z0-9\-._~%!$&'()*+;=]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")
_SLASH: Final = re.compile("%2f", re.IGNORECASE)
_BARE_LINE_FEED: Final = re.compile(rb"(?<!\r)\n")


class Request(HTTPRequestParser):  # type: ignore[misc]
    """One request as it arrives; `error` is set when it is to be refused."""

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if not self.headers_finished and self.error is None:
            self._check_beginning(self.header_plus)
        if self.error is not None:
            self.completed = True
        if self.completed:
            # waitress would ask for a body that was refused or never announced, and then wait for it.
            self.expect_continue = False
        return consumed

    def _check_beginning(self, received: bytes) -> None:
        """Refuse at once what no further byte can make a head."""
        if _BARE_LINE_FEED.search(received):
            self.error = BadRequest("A line does not end in CR LF")
        elif not _BEGINNING.match(received):
            self.error = BadRequest("The request line is not valid")

    def parse_header(self, header_plus: bytes) -> None:
        """Take the head apart: request line and fields, as RFC 9112 sections 3 and 5 have them."""
        head = _HEAD.fullmatch(header_plus)
        if head is None:
            raise ParsingError("The request line or a header is not valid")
        method, target, version, fields = head.groups()
        self.command = method.decode("ascii")
        self.version = version.decode("ascii")
        headers = self.headers
        lines = fields.decode("latin-1").split("\r\n")
        lines.pop()
        if len(lines) > MAX_FIELDS:
            self.error = RequestHeaderFieldsTooLarge("")
            return
        for line in lines:
            name, _, value = line.partition(":")
            key = _variable(name)
            value = value.strip(" \t")
            headers[key] = f"{headers[key]}, {value}" if key in headers else value
        headers.pop("", None)
        self._take_target(target.decode("ascii"))
        self._take_host()
        self._take_framing()
        self._take_connection()

    def _take_target(self, target: str) -> None:
        """Origin-form, or absolute-form whose authority then stands for Host (RFC 9112 section 3.2)."""
        self.url_scheme = self.adj.url_scheme
        self.proxy_scheme = self.proxy_netloc = self.fragment = ""
        if "#" in target:
            raise ParsingError("The request target holds a fragment")
        if not target.startswith("/"):
            scheme, separator, rest = target.partition("://")
            if not separator or scheme.lower() not in ("http", "https"):
                raise ParsingError("The request target is not a path")
            end = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
            self.proxy_scheme, self.proxy_netloc, target = scheme.lower(), rest[:end], rest[end:]
            if not target.startswith("/"):
                target = "/" + target
            if not self.proxy_netloc:
                raise ParsingError("The request target names no host")
        self.request_uri = target
        path, _, self.query = target.partition("?")
        self.path = _decode(path) if "%" in path else path

    def _take_host(self) -> None:
        if "HOST" not in self.headers and self.version == "1.1":
            raise ParsingError("A Host header is required")
        # Two of them have become one with a comma, which is in no host.
        if not _HOST.fullmatch(self.headers.get("HOST", "")):
            raise ParsingError("The Host header is not valid")
        if self.proxy_netloc:
            if not _HOST.fullmatch(self.proxy_netloc):
                raise ParsingError("The request target's host is not valid")
            self.headers["HOST"] = self.proxy_netloc

    def _take_framing(self) -> None:
        """How long the body is: RFC 9112 section 6.3, without what it lets a server repair."""
        coding = self.headers.pop("TRANSFER_ENCODING", None)
        length = self.headers.get("CONTENT_LENGTH")
        if coding is not None:
            if length is not None:
                raise ParsingError("Content-Length and Transfer-Encoding exclude each other")
            if self.version == "1.0":
                raise ParsingError("HTTP/1.0 has no Transfer-Encoding")
            if coding.lower() != "chunked":
                raise TransferEncodingNotImplemented("Only the transfer coding chunked is known")
            self.chunked = True
            self.body_rcv = Chunks(OverflowableBuffer(self.adj.inbuf_overflow))
        elif length is not None:
            if not (length.isascii() and length.isdigit()):
                raise ParsingError("Content-Length is not a number")
            # int() refuses thousands of digits; what has 16 is refused for its size anyway.
            self.content_length = int(length[:16]) if length.lstrip("0") else 0
            if self.content_length:
                self.body_rcv = FixedStreamReceiver(self.content_length, OverflowableBuffer(self.adj.inbuf_overflow))

    def _take_connection(self) -> None:
        options = {option.strip().lower() for option in self.headers.get("CONNECTION", "").split(",")}
        if self.version == "1.0":
            self.connection_close = "keep-alive" not in options or "close" in options
        else:
            self.connection_close = "close" in options
            self.expect_continue = self.headers.get("EXPECT", "").lower() == "100-continue"


def _decode(path: str) -> str:
    """A path's octets as Latin-1 text. An encoded slash stays encoded: it separates nothing (RFC 3986 section 2.2)."""
    return unquote_to_bytes(_SLASH.sub("%252F", path)).decode("latin-1")


def _variable(name: str) -> str:
    """A header's name as WSGI spells it; empty for one with an underscore.

    In WSGI `X_Forwarded_For` could not be told from `X-Forwarded-For`.
    """
    return "" if "_" in name else name.upper().replace("-", "_")

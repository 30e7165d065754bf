"""One request's work on the server's side: its WSGI environment, and how an answer or a refusal goes on the wire.

What is refused is decided in protocol.py; the connection that carries both is in channel.py.
"""

from __future__ import annotations

import json
import logging
import re
import time
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from waitress.task import ErrorTask, Task, WSGITask
from waitress.utilities import build_http_date

from api.errors import Code, envelope
from api.server.protocol import Request

if TYPE_CHECKING:
    from api.server.channel import Channel

logger = logging.getLogger("api.server")

_MERGED: Final = 65536
"""Bytes of body up to which copying it behind the head is cheaper than a second system call."""

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")

_REFUSALS: Final = {
    413: (Code.PAYLOAD_TOO_LARGE, "The body is too large"),
    431: (Code.HEADERS_TOO_LARGE, "The headers are too large"),
    500: (Code.INTERNAL_ERROR, "Something went wrong on our side"),
}


class _Clock:
    """The Date header, made once a second."""

    _second = 0
    _line = ""

    def line(self) -> str:
        now = int(time.time())
        if now != self._second:
            self._line = f"Date: {build_http_date(now)}"
            self._second = now
        return self._line


_clock: Final = _Clock()


class _Answer(Task):  # type: ignore[misc]
    """How an answer goes on the wire, be it the application's or a refusal."""

    channel: Channel
    request: Request
    wrote_header: bool
    close_on_finish: bool

    def build_response_header(self) -> bytes:
        """Status line and headers as the application ordered them, framing and Connection decided here.

        waitress' own also closes after an answer without a body, sorts, and recapitalizes.
        """
        has_body = self.has_body
        lines = [f"HTTP/1.1 {self.status}"]
        names = set()
        for name, value in self.response_headers:
            lowered = name.lower()
            names.add(lowered)
            if lowered != "connection" and (has_body or lowered != "content-length"):
                lines.append(f"{name}: {value}")
        if has_body and "content-length" not in names:
            lines += self._framing()
        if "date" not in names:
            lines.append(_clock.line())
        if self.close_on_finish or self.request.connection_close or self.channel.is_last():
            self.close_on_finish = True
            lines.append("Connection: close")
        elif self.request.version == "1.0":
            lines.append("Connection: keep-alive")
        lines.append("\r\n")
        return "\r\n".join(lines).encode("latin-1")

    def _framing(self) -> list[str]:
        """How the client learns where the body ends, where the application did not say."""
        if self.content_length is not None:
            return [f"Content-Length: {self.content_length}"]
        if self.request.version == "1.1":
            self.chunked_response = self.request.command != "HEAD"
            return ["Transfer-Encoding: chunked"]
        self.close_on_finish = True
        return []

    def write(self, data: bytes) -> None:
        length = self.content_length
        if self.wrote_header or not data or length != len(data) or length > _MERGED or not self.has_body:
            super().write(data)
            return
        head = self.build_response_header()
        self.wrote_header = True
        self.content_bytes_written = length
        self.channel.write_soon(head + data)


class Refusal(_Answer, ErrorTask):  # type: ignore[misc]
    """The answer to what is not let through to the application, in the contract's envelope."""

    def execute(self) -> None:
        error = self.request.error
        status = HTTPStatus(error.code)
        code, message = _REFUSALS.get(error.code, (Code.BAD_REQUEST, error.body))
        given = self.request.headers.get("X_REQUEST_ID", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        body = json.dumps(envelope(code, message)).encode()
        self.status = f"{status.value} {status.phrase}"
        self.response_headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Request-ID", request_id),
        ]
        self.close_on_finish = True
        self.content_length = len(body)
        if status < HTTPStatus.INTERNAL_SERVER_ERROR or status is HTTPStatus.NOT_IMPLEMENTED:
            logger.info("refused %d from %s: %s (%s)", status, self.channel.addr[0], message, request_id)
        self.write(b"" if getattr(self.request, "command", "") == "HEAD" else body)


class Exchange(_Answer, WSGITask):  # type: ignore[misc]
    """One request handed to the application."""

    def get_environment(self) -> dict[str, Any]:
        request = self.request
        channel = self.channel
        path = request.path
        address = channel.addr[0]
        environ: dict[str, Any] = channel.server.base_environ.copy()
        environ["REMOTE_ADDR"] = environ["REMOTE_HOST"] = address
        environ["REMOTE_PORT"] = str(channel.addr[1])
        environ["REQUEST_METHOD"] = request.command
        environ["SERVER_PROTOCOL"] = f"HTTP/{request.version}"
        environ["REQUEST_URI"] = request.request_uri
        environ["PATH_INFO"] = "/" + path.lstrip("/")
        environ["QUERY_STRING"] = request.query
        environ["wsgi.input"] = BytesIO() if request.body_rcv is None else request.body_rcv.getfile()
        for key, value in request.headers.items():
            environ[key if key in ("CONTENT_LENGTH", "CONTENT_TYPE") else f"HTTP_{key}"] = value
        environ["waitress.client_disconnected"] = channel.check_client_disconnected
        return environ

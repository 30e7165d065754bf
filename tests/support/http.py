"""HTTP over real sockets: the response, single requests, and a raw connection that sends any bytes."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from tests.support.waiting import WAIT_TIMEOUT


@dataclass(frozen=True)
class Response:
    """A response; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        """The parsed body; None without one."""
        return json.loads(self.body) if self.body else None

    @property
    def code(self) -> str:
        """The error code; empty unless the response is an error."""
        return str(self.json["error"]["code"]) if self.status >= 400 else ""


def encode(body: object, token: str | None, headers: Mapping[str, str] | None) -> tuple[bytes | None, dict[str, str]]:
    """A request's body and header fields; a `body` other than bytes is encoded as JSON."""
    fields = dict(headers or {})
    if token is not None:
        fields["Authorization"] = f"Bearer {token}"
    if body is None or isinstance(body, bytes):
        return body, fields
    return json.dumps(body).encode(), {"Content-Type": "application/json", **fields}


def read(response: HTTPResponse) -> Response:
    """The whole response."""
    return Response(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


def call(
    port: int,
    method: str,
    path: str,
    body: object = None,
    *,
    token: str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = WAIT_TIMEOUT,
) -> Response:
    """Send one request on a new connection to 127.0.0.1; a `body` other than bytes is sent as JSON."""
    with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=timeout)) as connection:
        connection.request(method, path, *encode(body, token, headers))
        return read(connection.getresponse())


class Connection:
    """A client's socket that sends bytes unchanged and reads responses."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection((host, port), timeout=WAIT_TIMEOUT)
        self._unread = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def get(self, path: str) -> Response:
        self.send(b"GET %s HTTP/1.1\r\nHost: test\r\n\r\n" % path.encode())
        return self.read_response()

    def _until(self, end: bytes) -> bytes:
        while end not in self._unread:
            piece = self.socket.recv(65536)
            assert piece, f"the connection ended after {self._unread!r}"
            self._unread += piece
        taken, _, self._unread = self._unread.partition(end)
        return taken

    def read_response(self, *, has_body: bool = True) -> Response:
        """Read the next response; pass has_body=False for the response to a HEAD request."""
        lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status = lines[0].split(" ")[:2]
        assert version == "HTTP/1.1"
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
        length = int(headers.get("content-length", "0")) if has_body else 0
        body, self._unread = self._unread[:length], self._unread[length:]
        if len(body) < length:
            body += self._exactly(length - len(body))
        return Response(int(status), headers, body)

    def _exactly(self, size: int) -> bytes:
        received = bytearray(size)
        view = memoryview(received)
        while view:
            count = self.socket.recv_into(view)
            assert count, "the connection ended within a body"
            view = view[count:]
        return bytes(received)

    def rest(self) -> bytes:
        """Read until the server closes the connection."""
        received, self._unread = [self._unread], b""
        while piece := self.socket.recv(65536):
            received.append(piece)
        return b"".join(received)

    def is_closed(self) -> bool:
        """Whether the server has closed, or reset, an idle connection."""
        try:
            return self.socket.recv(1, socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        self.socket.close()

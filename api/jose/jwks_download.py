"""Downloads one JWK set over HTTP, within limits of time and size, and parses it. No state: jwks.py keeps the keys.

It is a module of its own because nothing else in the service is an HTTP client.
"""

from __future__ import annotations

import json
import time
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPResponse, HTTPSConnection
from io import BufferedReader, RawIOBase
from socket import socket
from typing import IO, Any, Final
from urllib.request import HTTPHandler, HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from api.jose.jwk import Key, parse

MAX_BYTES: Final = 512 * 1024

CONNECT_TIMEOUT: Final = 2.0
"""Seconds for the TCP connection. A lost first packet is repeated within that time, and a later attempt repeats it
sooner than this one would."""


class DownloadError(Exception):
    """The endpoint returned no JWK set. The message says why, for the log."""


def download(url: str, timeout: float) -> bytes:
    """The body that `url` responds with. Raises DownloadError.

    `timeout`, in seconds, applies to everything from the connection on: interim responses, header, body and trailer.
    Only the look-up of the host name is not bounded, and several addresses of one host are each tried for
    CONNECT_TIMEOUT. Redirects are not followed, because a redirect could choose our keys.
    """
    request = Request(url, headers={"Accept": "application/json", "User-Agent": "task-service"})  # noqa: S310 - see KeySet
    try:
        with _OPENER.open(request, timeout=timeout) as response:
            return _read(response)
    except (OSError, HTTPException, ValueError) as ex:
        raise DownloadError(f"{type(ex).__name__}: {ex}") from ex


def parse_set(body: bytes) -> dict[str, Key]:
    """The usable keys of a JWK set, by kid. Of several keys with one kid it is the first. Raises DownloadError."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as ex:
        raise DownloadError(f"{type(ex).__name__}: {ex}") from ex
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise DownloadError("the response is not a JWK set")
    keys: dict[str, Key] = {}
    for key in map(parse, listed):
        if key is not None:
            keys.setdefault(key.kid, key)
    return keys


class _Reader(RawIOBase):
    """Reads from a socket until a time of the monotonic clock. After it every read raises TimeoutError."""

    def __init__(self, raw: Any, sock: socket, deadline: float) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the response took too long")
        self._sock.settimeout(left)
        received: int | None = self._raw.readinto(buffer)
        return received

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    """A response, a proxy's to CONNECT included, that must be complete at `deadline`."""

    def __init__(self, sock: socket, *arguments: Any, deadline: float, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = BufferedReader(_Reader(self.fp.detach(), sock, deadline))


class _Connection(HTTPConnection):
    """A connection for one request; `timeout` applies to all of it, not to each step."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._limit = float(self.timeout or 0)
        self._deadline = time.monotonic() + self._limit
        self.timeout = min(self._limit, CONNECT_TIMEOUT)
        # http.client only calls it; its declared type is a class.
        self.response_class = partial(_Response, deadline=self._deadline)  # type: ignore[assignment]

    def connect(self) -> None:
        super().connect()
        # The time of the TLS handshake, and of sending the request.
        self.sock.settimeout(max(0.001, self._deadline - time.monotonic()))


class _SecureConnection(HTTPSConnection, _Connection):
    """The same with TLS: HTTPSConnection.connect calls _Connection's first."""


class _Http(HTTPHandler):
    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_Connection, req)


class _Https(HTTPSHandler):
    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_SecureConnection, req)


class _NoRedirects(HTTPRedirectHandler):
    """Treats a redirect as an error, like any other response that is not 2xx."""

    def redirect_request(  # noqa: PLR0917 - the base class has these
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


_OPENER = build_opener(_NoRedirects, _Http, _Https)


def _read(response: HTTPResponse) -> bytes:
    """The body, read in pieces, so that an endless one is abandoned in time."""
    body = bytearray()
    while piece := response.read1(65536):
        body += piece
        if len(body) > MAX_BYTES:
            raise DownloadError(f"the response is longer than {MAX_BYTES} bytes")
    return bytes(body)

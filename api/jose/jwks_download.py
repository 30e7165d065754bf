"""Downloads one JWK set over HTTP, within limits of time and size. No state: jwks.py keeps the keys.

It is a module of its own because nothing else in the service is an HTTP client.
"""

from __future__ import annotations

import json
import time
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.request import HTTPRedirectHandler, Request, build_opener

from api.jose.jwk import Key, parse

MAX_BYTES = 512 * 1024


class DownloadError(Exception):
    """The endpoint returned no JWK set. The message says why, for the log."""


def download(url: str, timeout: float) -> dict[str, Key]:
    """The usable keys at `url`, by kid. Raises DownloadError.

    `timeout`, in seconds, applies to the connect, to each read, and to the body as a whole. Redirects are not
    followed, because a redirect could choose our keys. If several keys have the same kid, the first is used.
    """
    request = Request(url, headers={"Accept": "application/json", "User-Agent": "task-service"})  # noqa: S310 - see KeySet
    try:
        with _OPENER.open(request, timeout=timeout) as response:
            document = json.loads(_read(response, timeout))
    except (OSError, HTTPException, ValueError, RecursionError) as ex:
        raise DownloadError(f"{type(ex).__name__}: {ex}") from ex
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise DownloadError("the response is not a JWK set")
    keys: dict[str, Key] = {}
    for key in map(parse, listed):
        if key is not None:
            keys.setdefault(key.kid, key)
    return keys


class _NoRedirects(HTTPRedirectHandler):
    """Treats a redirect as an error, like any other response that is not 2xx."""

    def redirect_request(  # noqa: PLR0917 - the base class has these
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


_OPENER = build_opener(_NoRedirects)


def _read(response: IO[bytes], timeout: float) -> bytes:
    """The body, read in pieces, so that a slow or an endless one is abandoned in time."""
    deadline = time.monotonic() + timeout
    body = bytearray()
    while piece := response.read1(65536):  # type: ignore[attr-defined]
        body += piece
        if len(body) > MAX_BYTES:
            raise DownloadError(f"the response is longer than {MAX_BYTES} bytes")
        if time.monotonic() > deadline:
            raise DownloadError("the response came too slowly")
    return bytes(body)

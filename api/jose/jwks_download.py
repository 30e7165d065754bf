"""Downloads one JWK set over HTTP, within bounds of time and size. No state: jwks.py keeps what comes.

It stands apart as the only place of the service that calls out over HTTP.
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
    """The endpoint gave no JWK set; the message says why, for the log."""


def download(url: str, timeout: float) -> dict[str, Key]:
    """The usable keys at `url`, by kid. Raises DownloadError.

    `timeout`, in seconds, is that of connecting, of each read, and of the body as a whole. Redirects are not
    followed: whoever can redirect us could choose our keys. Of keys that share a kid the first counts.
    """
    request = Request(url, headers={"Accept": "application/json", "User-Agent": "task-service"})  # noqa: S310 - see KeySet
    try:
        with _OPENER.open(request, timeout=timeout) as response:
            document = json.loads(_read(response, timeout))
    except (OSError, HTTPException, ValueError, RecursionError) as ex:
        raise DownloadError(f"{type(ex).__name__}: {ex}") from ex
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise DownloadError("the answer is not a JWK set")
    keys: dict[str, Key] = {}
    for key in map(parse, listed):
        if key is not None:
            keys.setdefault(key.kid, key)
    return keys


class _NoRedirects(HTTPRedirectHandler):
    """Leaves a redirect as the error that an answer other than 2xx is."""

    def redirect_request(  # noqa: PLR0917 - the base class has these
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


_OPENER = build_opener(_NoRedirects)


def _read(response: IO[bytes], timeout: float) -> bytes:
    """The body, read piece by piece, so that neither a slow nor an endless one holds us."""
    deadline = time.monotonic() + timeout
    body = bytearray()
    while piece := response.read1(65536):  # type: ignore[attr-defined]
        body += piece
        if len(body) > MAX_BYTES:
            raise DownloadError(f"the answer is longer than {MAX_BYTES} bytes")
        if time.monotonic() > deadline:
            raise DownloadError("the answer came too slowly")
    return bytes(body)

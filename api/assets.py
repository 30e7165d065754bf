"""A file that is served from memory, plain or compressed with gzip. It is compressed once, never for a request."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import falcon

from api.content_codings import GZIP, prefers_gzip
from api.entity_tags import format_tag, matches_if_none_match

CONTENT_TYPES: Final[Mapping[str, str]] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


class Representation(NamedTuple):
    """The bytes of one content coding, and their strong entity tag without its quotes."""

    body: bytes
    etag: str

    @classmethod
    def of(cls, body: bytes) -> Representation:
        """The tag is a digest of the bytes, so the compressed form has another one (RFC 9110, section 8.8.3.3)."""
        return cls(body, hashlib.sha256(body).hexdigest()[:32])


class Asset:
    """One file to serve."""

    def __init__(self, body: bytes, content_type: str) -> None:
        self.content_type = content_type
        self.plain = Representation.of(body)
        compressed = gzip.compress(body, mtime=0)
        self.compressed = Representation.of(compressed) if len(compressed) < len(body) else None

    @classmethod
    def read(cls, path: Path) -> Asset:
        """Read a file. Its suffix says its type."""
        return cls(path.read_bytes(), CONTENT_TYPES[path.suffix])

    def send(self, req: falcon.Request, resp: falcon.Response, headers: Mapping[str, str]) -> None:
        """Respond with the file, or with 304 if the client has this representation (RFC 9110, section 13.1.2)."""
        resp.set_headers(dict(headers))
        resp.cache_control = ["no-cache"]
        chosen = self.plain
        if self.compressed is not None:
            resp.append_header("Vary", "Accept-Encoding")
            if prefers_gzip(req.get_header("Accept-Encoding")):
                chosen = self.compressed
        resp.set_header("ETag", format_tag(chosen.etag))
        if matches_if_none_match(req.get_header("If-None-Match"), chosen.etag):
            resp.status = falcon.HTTP_304
            return
        if chosen is self.compressed:
            resp.set_header("Content-Encoding", GZIP)
        resp.content_type = self.content_type
        resp.data = chosen.body

"""The body of a list: `opening`, the items separated by commas, `closing`.

A list of one piece is sent as a whole, with its length and an entity tag. A longer one is sent in pieces, each read
when the client has taken the one before, so neither its length nor its tag is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import falcon
import orjson
import xxhash
from falcon import Response

from api.entity_tags import format_weak_tag, matches_if_none_match
from api.list_compression import compress
from api.request_context import Request

if TYPE_CHECKING:
    from api.profiles.wire_format import ListBody


def send_list(req: Request, resp: Response, body: ListBody, profile: str) -> None:
    """Have the response send the list, which a profile of this name has written.

    It is 304 if the request has the tag of a list that is one piece (RFC 9110, section 13.1.2).
    """
    if body.rest is not None:
        resp.stream = _pieces([b"".join((body.opening, _items(body.first)))], body.rest, body.closing)
    else:
        resp.data = b"".join((body.opening, _items(body.first), body.closing))
        tag = _tag(profile, req.query_string, resp.data)
        resp.set_header("ETag", format_weak_tag(tag))
        if matches_if_none_match(req.get_header("If-None-Match"), tag):
            resp.status = falcon.HTTP_304
            resp.data = None
    compress(req, resp)


def _tag(profile: str, query: str, body: bytes) -> str:
    # A list that is made to have another one's tag deceives its own user alone, so the hash need not be a secure one.
    digest = xxhash.xxh3_128(f"{profile}?{query}\n".encode())
    digest.update(body)
    return digest.hexdigest()


def _pieces(beginning: list[bytes], rest: Iterator[list[Any]], closing: bytes) -> Iterator[bytes]:
    """The pieces of a body. It holds none of them while the client takes it, nor the items that it was made of."""
    yield beginning.pop()
    yield from filter(None, map(_following, rest))
    yield closing


def _following(items: list[Any]) -> bytes:
    return b"".join((b",", _items(items))) if items else b""


def _items(items: list[Any]) -> memoryview:
    """The items separated by commas. A slice of bytes would be one more copy of a megabyte."""
    return memoryview(orjson.dumps(items))[1:-1]

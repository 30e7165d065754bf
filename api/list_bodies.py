"""The body of a list: `opening`, the items separated by commas, `closing`.

A list of one piece is sent as a whole, with its length. A longer one is sent in pieces, each read when the client has
taken the one before, so its length is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from falcon import Response


def send_list(
    resp: Response, first: list[Any], rest: Iterator[list[Any]] | None, *, opening: bytes, closing: bytes
) -> None:
    """Have the response send the pieces' items as JSON. `rest` is None if there is one piece."""
    if rest is None:
        resp.data = b"".join((opening, _items(first), closing))
    else:
        resp.stream = _pieces([b"".join((opening, _items(first)))], rest, closing)


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

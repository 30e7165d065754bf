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
    beginning = opening + _items(first)
    if rest is None:
        resp.data = beginning + closing
    else:
        resp.stream = _pieces(beginning, rest, closing)


def _pieces(beginning: bytes, rest: Iterator[list[Any]], closing: bytes) -> Iterator[bytes]:
    yield beginning
    for items in rest:
        if items:
            yield b"," + _items(items)
    yield closing


def _items(items: list[Any]) -> bytes:
    return orjson.dumps(items)[1:-1]

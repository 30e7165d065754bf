"""Parses a JWS in compact serialization, strictly: each token has exactly one accepted spelling.

It has no keys and verifies nothing; api/tokens.py does. The library's own parser is not used because it accepts several
spellings of one token: padding, duplicate members, other encodings of JSON.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from typing import Any, NamedTuple, NoReturn

# Proxies forward no more than this in one header line (nginx: 8 KiB), so a longer token does not work in practice.
MAX_LENGTH = 8192

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)", re.ASCII)
# The last characters whose unused low bits are zero, by the length of the text modulo 4.
_CANONICAL_ENDS = {2: frozenset("AQgw"), 3: frozenset("AEIMQUYcgkosw048")}
_PADDING = {0: "", 2: "==", 3: "="}


class MalformedJws(Exception):
    """Not a JWS in compact serialization, or not in its one accepted spelling."""


class Jws(NamedTuple):
    """The parts of a token, none of them verified."""

    header: dict[str, Any]
    payload: bytes
    signing_input: bytes
    signature: bytes


def split(token: str) -> Jws:
    """Parse `token` (RFC 7515 section 7.1). Raises MalformedJws if it is not a JWS.

    The payload stays bytes, because usually it is parsed only after its signature has been verified.
    """
    match = _COMPACT.fullmatch(token) if len(token) <= MAX_LENGTH else None
    if match is None:
        raise MalformedJws
    header, payload, signature = match.groups()
    return Jws(
        header=parse_object(_decode(header)),
        payload=_decode(payload),
        signing_input=token[: match.end(2)].encode("ascii"),
        signature=_decode(signature),
    )


def parse_object(data: bytes) -> dict[str, Any]:
    """Parse a JSON object in UTF-8. Duplicate members at any depth, NaN and infinities raise MalformedJws."""
    try:
        value = _JSON.decode(data.decode("utf-8"))
    except (ValueError, RecursionError) as ex:
        raise MalformedJws from ex
    if not isinstance(value, dict):
        raise MalformedJws
    return value


def _decode(text: str) -> bytes:
    remainder = len(text) % 4
    if remainder == 1 or (remainder and text[-1] not in _CANONICAL_ENDS[remainder]):
        raise MalformedJws
    return urlsafe_b64decode(text + _PADDING[remainder])


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(name)


_JSON = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_reject_constant)

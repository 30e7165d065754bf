"""Reads the parts of a request: body, query parameters, task id, Idempotency-Key. validation.py checks the fields."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl

import falcon
import orjson
from falcon import parse_header

from api.errors import FieldError, MalformedJSON, PayloadTooLarge, UnsupportedMediaType, ValidationFailed
from api.unknown_paths import reject_word

MAX_BODY_BYTES: Final = 1024 * 1024
MAX_VALUES: Final = 16 * 1024
"""Objects, arrays and members of a body, as far as their characters tell: parsing more takes too long. The texts of a
task have 10,500 characters at most."""

MAX_TASK_ID: Final = 2**63 - 1
MAX_IDEMPOTENCY_KEY: Final = 255

_IDEMPOTENCY_KEY: Final = re.compile(rf"[!-~]{{1,{MAX_IDEMPOTENCY_KEY}}}")


def parse_query(query_string: str) -> list[tuple[str, str]]:
    """The parameters of a query string, in order. Raises ValidationFailed if it is not UTF-8."""
    # WSGI decodes the bytes of the query as Latin-1. Those past ASCII were sent without percent-encoding.
    try:
        raw = query_string.encode("latin-1").decode("utf-8")
        return parse_qsl(raw, keep_blank_values=True, errors="strict")
    except (UnicodeError, ValueError):
        raise ValidationFailed(FieldError("query", "The query string must be UTF-8")) from None


def parse_task_id(text: str) -> int:
    """The task id in a path. For an integer that no row can have it is 0, which no row has.

    Raises ValidationFailed if it is not an ASCII integer, or UnknownPath for a word of other APIs.
    """
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdigit():
        reject_word(text)
        raise ValidationFailed(FieldError("id", "The task id must be an integer"))
    significant = digits.lstrip("0")
    # The length is compared first, because int() is slow with many digits, and fails with more than 4,300.
    number = int(significant) if 0 < len(significant) <= 19 else 0
    return number if number <= MAX_TASK_ID and not text.startswith("-") else 0


def read_json(req: falcon.Request, *, optional: bool = False) -> object:
    """The body, parsed as JSON. If it is `optional`, a missing body is `{}`.

    Raises UnsupportedMediaType, PayloadTooLarge or MalformedJSON, in this order.
    """
    if not _has_body(req):
        return _absent(optional)
    if not _is_json(req.content_type) or (req.get_header("Content-Encoding") or "identity").lower() != "identity":
        raise UnsupportedMediaType
    body = read_body(req)
    if not body:
        return _absent(optional)
    if sum(map(body.count, (b"{", b"[", b":"))) > MAX_VALUES:
        raise MalformedJSON("The body has too many objects and arrays")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise MalformedJSON("The body is not valid JSON") from None


def read_body(req: falcon.Request) -> bytes:
    """The body, which is empty if there is none. Raises PayloadTooLarge."""
    length = req.content_length
    if length is not None and length > MAX_BODY_BYTES:
        raise PayloadTooLarge
    if length is None and not _is_chunked(req):
        return b""
    # The server ends the stream of a chunked body; another one may not end (PEP 3333).
    body: bytes = req.stream.read(MAX_BODY_BYTES + 1 if length is None else length)
    if len(body) > MAX_BODY_BYTES:
        raise PayloadTooLarge
    return body


def _is_chunked(req: falcon.Request) -> bool:
    return req.content_length is None and "HTTP_TRANSFER_ENCODING" in req.env


def _has_body(req: falcon.Request) -> bool:
    return bool(req.content_length) or _is_chunked(req)


def read_idempotency_key(req: falcon.Request) -> str | None:
    """The Idempotency-Key. None if the header is missing. Raises ValidationFailed."""
    key = req.get_header("Idempotency-Key")
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        message = f"Idempotency-Key must be 1 to {MAX_IDEMPOTENCY_KEY} visible ASCII characters"
        raise ValidationFailed(FieldError("Idempotency-Key", message))
    return key


def _absent(optional: bool) -> object:
    if not optional:
        raise MalformedJSON("A JSON body is required")
    return {}


# Few, for a field that a client sends may be as long as a head.
@lru_cache(maxsize=64)
def _is_json(content_type: str | None) -> bool:
    """`application/json`, alone or with a UTF-8 charset (RFC 8259, section 8.1)."""
    media_type, parameters = parse_header(content_type or "")
    charset = parameters.get("charset", "utf-8").lower()
    return media_type.lower() == "application/json" and charset in ("utf-8", "utf8", "us-ascii")

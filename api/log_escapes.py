"""Escapes characters in log lines that a terminal or an editor would not show as they are.

They are those that `str.isprintable` rejects: control characters, line and paragraph separators, marks that change the
direction of text, and other invisible ones.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import IO, Any, Final

import orjson
import structlog

_DELETE: Final = b"\x7f"


def dump_json(event: Any, **options: Any) -> bytes:
    """A log line in JSON, whose parsed value is the same as without the escapes."""
    line: bytes = orjson.dumps(event, **options)
    if line.isascii() and _DELETE not in line:
        return line
    return _escape(line.decode(), _as_json).encode()


def escape_event(logger: Any, method: str, event: Any) -> Any:
    """A processor for the text format: the message. The renderer itself escapes the other values, as `repr` does."""
    event["event"] = _escape(str(event["event"]), _as_text)
    return event


def format_traceback(stream: IO[str], exc_info: Any) -> None:
    """An exception formatter for the text format.

    Each line is indented, so that a line of the exception's message does not look like one of the log.
    """
    plain = io.StringIO()
    structlog.dev.plain_traceback(plain, exc_info)
    lines = plain.getvalue().split("\n")
    stream.write("\n".join(f"  {_escape(line, _as_text)}" if line else "" for line in lines))


def _escape(text: str, escape: Callable[[str], str]) -> str:
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else escape(character) for character in text)


def _as_json(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _as_text(character: str) -> str:
    return repr(character)[1:-1]

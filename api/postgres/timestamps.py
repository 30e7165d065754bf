"""Timestamps as text. Objects for them would cost more than the rest of a row."""

from __future__ import annotations

from typing import Any, Final

_WITH_FRACTION: Final = len("2026-02-06 10:15:30.123456")


def to_rfc3339(text: Any, cursor: object = None) -> Any:
    """PostgreSQL's `2026-02-06 10:15:30.12` as `2026-02-06T10:15:30.120000Z`; None for NULL.

    It is also a psycopg2 typecaster, hence the cursor.
    """
    if text is None:
        return None
    if len(text) != _WITH_FRACTION:
        text = f"{text[:19]}.{text[20:]:0<6}"
    return text.replace(" ", "T") + "Z"

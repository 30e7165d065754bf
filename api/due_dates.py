"""Due dates: a calendar date stays that date everywhere, a date-time is an instant (RFC 3339).

Both are stored as an instant, so that they sort together. A date is stored as its midnight in UTC, with a flag.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final, NamedTuple

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATE_TIME: Final = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt](?P<time>(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])"
    r"(?:\.(?P<fraction>[0-9]+))?(?:[Zz]|(?P<sign>[+-])(?P<hours>[01][0-9]|2[0-3]):(?P<minutes>[0-5][0-9]))"
)


class DueDate(NamedTuple):
    """When a task is due: an instant in UTC, and whether it stands for the whole calendar day."""

    at: datetime
    all_day: bool


def parse_date(text: str) -> DueDate:
    """Parse `2026-03-01`. Raises ValueError for anything else, and for a day that does not exist."""
    if not _DATE.fullmatch(text):
        raise ValueError("not a date")
    return DueDate(datetime.fromisoformat(f"{text}T00:00:00+00:00"), all_day=True)


def parse_date_time(text: str) -> DueDate:
    """Parse an RFC 3339 date-time (section 5.6) with its offset. Digits past microseconds are cut.

    Raises ValueError for anything else, for a leap second, which PostgreSQL's timestamps cannot hold, and for an
    instant outside the years 1 to 9999 in UTC.
    """
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        raise ValueError("not a date-time")
    local = datetime.fromisoformat(f"{match['date']}T{match['time']}+00:00")
    offset = timedelta(hours=int(match["hours"] or 0), minutes=int(match["minutes"] or 0))
    microsecond = int((match["fraction"] or "").ljust(6, "0")[:6])
    try:
        instant = local - offset if match["sign"] == "+" else local + offset
    except OverflowError as ex:
        raise ValueError("outside the years 1 to 9999") from ex
    return DueDate(instant.replace(microsecond=microsecond), all_day=False)


def parse_due_date(text: str) -> DueDate:
    """Parse a date or a date-time. Raises ValueError for anything else."""
    return parse_date(text) if _DATE.fullmatch(text) else parse_date_time(text)

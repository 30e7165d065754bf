"""Due dates: a calendar date stays that date everywhere, a date-time is an instant (RFC 3339).

Both are kept as one instant, so that they sort together; a date is its midnight in UTC and a flag.
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
    """`2026-03-01`; ValueError for anything else, a day that no calendar has included."""
    if not _DATE.fullmatch(text):
        raise ValueError("not a date")
    return DueDate(datetime.fromisoformat(f"{text}T00:00:00+00:00"), all_day=True)


def parse_date_time(text: str) -> DueDate:
    """RFC 3339, section 5.6, offset needed; digits past microseconds are cut.

    ValueError for anything else: a leap second, which no timestamp of PostgreSQL can hold, and what falls outside
    the years 1 to 9999 in UTC included.
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
    """A date or a date-time; ValueError for neither."""
    return parse_date(text) if _DATE.fullmatch(text) else parse_date_time(text)

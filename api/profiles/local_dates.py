"""Due dates as HTML forms send them: date-times without an offset, in a zone that a profile names."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from api.profiles.reading import ProfileError

LOCAL_DATE_TIME: Final = (
    "^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"
)
"""A pattern of local date-times that exist in every year, for documents."""

_LOCAL: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?")


def find_zone(name: str) -> ZoneInfo:
    """The time zone of this name in the tz database. Raises ProfileError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ProfileError(f"{name} is no time zone, such as Europe/Berlin or UTC", "dates", "local_zone") from None


def parse_local(text: str, zone: ZoneInfo) -> str | None:
    """The instant of a local date-time, in RFC 3339 and UTC; None for any other text.

    A time that the clock shows twice is the earlier instant, and one that it skips has the offset of before (fold=0).
    """
    if not _LOCAL.fullmatch(text):
        return None
    try:
        local = datetime.fromisoformat(_with_whole_fraction(text)).replace(tzinfo=zone)
        instant = local.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(len("2026-12-01T10:00:00.000000Z"), "0")


def _with_whole_fraction(text: str) -> str:
    # Python 3.10 reads fractions of three and six digits only.
    whole, point, fraction = text.partition(".")
    return f"{whole}{point}{fraction:0<6}" if point else whole

"""Words of other APIs in the place of a user or a task: `/api/v1/tasks` and `/api/tasks/stats` are no paths here."""

from __future__ import annotations

import re
from typing import Final

from api.errors import UnknownPath

_VERSION: Final = re.compile(r"v[0-9]{1,2}")

_COUNTS: Final = "No such path. A list with limit=1 has the number of tasks as pagination.total"
_FILTERS: Final = "No such path. Filter the list with its query parameters, such as status=completed"
_ONE_BY_ONE: Final = "No such path. Send one call for each task"

_WORDS: Final = {
    **dict.fromkeys(("stats", "statistics", "summary", "count", "counts", "metrics"), _COUNTS),
    **dict.fromkeys(("search", "filter", "completed", "pending", "active", "overdue", "today", "upcoming"), _FILTERS),
    **dict.fromkeys(("bulk", "batch", "reorder", "clear", "clear-completed"), _ONE_BY_ONE),
}


def reject_version(segment: str) -> None:
    """Raise UnknownPath if a path's segment for the user is the version of an API, such as `v1`."""
    if _VERSION.fullmatch(segment):
        raise UnknownPath(f"No such path. The paths here have no /{segment}; a profile can name it (docs/frontends.md)")


def reject_word(segment: str) -> None:
    """Raise UnknownPath if a path's segment for the task id is the name of an operation of other APIs."""
    hint = _WORDS.get(segment)
    if hint is not None:
        raise UnknownPath(hint)

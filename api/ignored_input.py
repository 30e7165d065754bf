"""Says in the log what a frontend sends that its wire format does not know, with the line of a profile that serves it.

Each name is said once a process, and never a value: a developer who points a frontend at this service sees why a field
is not kept.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import structlog

from api.errors import ValidationFailed

if TYPE_CHECKING:
    from api.profiles.wire_format import WireFormat

MAX_NAMES: Final = 100
MAX_NAME_LENGTH: Final = 64

_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_FIELDS: Final = ("title", "description", "completed", "due_date", "user_id", "created_at", "updated_at")
_OTHER_FIELDS: Final = {
    "name": "title",
    "text": "title",
    "content": "description",
    "notes": "description",
    "done": "completed",
    "is_completed": "completed",
    "is_complete": "completed",
    "is_done": "completed",
    "deadline": "due_date",
    "due": "due_date",
    "due_at": "due_date",
    "due_datetime": "due_date",
}
_OTHER_PARAMETERS: Final = {
    "q": "search",
    "query": "search",
    "sort_by": "sort",
    "order_by": "sort",
    "sort_order": "order",
    "order_dir": "order",
    "direction": "order",
    "completed": "status",
    "filter": "status",
    "page_size": "limit",
    "per_page": "limit",
    "skip": "offset",
    "offset": "offset",
}


class IgnoredInput:
    """Remembers which names were said. One for a process, used by all its threads."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()
        self._said: set[tuple[str, str]] = set()

    def note_members(self, wire_format: WireFormat, body: object) -> None:
        """Note the members of a valid body that were ignored."""
        for name in wire_format.fields.ignored(body):
            self._say("body member", name, _line_for_member(name))

    def note_parameters(self, wire_format: WireFormat, query_string: str) -> None:
        """Note the query parameters that were ignored."""
        if not query_string:
            return
        try:
            names = wire_format.query.ignored(query_string)
        except ValidationFailed:
            return
        for name in names:
            self._say("query parameter", name, _line_for_parameter(name))

    def note_path(self, method: str, path: str) -> None:
        """Note a request with a valid token for a path that is not served."""
        self._say(
            "path", f"{method} {path}", f'[tasks] aliases = ["{path[:MAX_NAME_LENGTH]}"], if it is a list of tasks'
        )

    def note_origin(self, origin: str) -> None:
        """Note a preflight of an origin that is not allowed: its request never comes."""
        self._say("origin", origin, f"the setting CORS_ORIGINS={origin[:MAX_NAME_LENGTH]}")

    def _say(self, kind: str, name: str, line: str) -> None:
        name = name[:MAX_NAME_LENGTH]
        if (kind, name) in self._said or len(self._said) >= MAX_NAMES:
            return
        self._said.add((kind, name))
        self._log.info("not understood", kind=kind, name=name, serve_it_with=line)


def _snake(name: str) -> str:
    return _CAMEL.sub("_", name).lower().replace("-", "_")


def _line_for_member(name: str) -> str:
    plain = _snake(name)
    field = plain if plain in _FIELDS else _OTHER_FIELDS.get(plain)
    if field is not None:
        return f'[names] {field} = "{name[:MAX_NAME_LENGTH]}"'
    if plain == "status":
        return '[status] name = "status", done = "…", open = "…"'
    return f'[[fields]] name = "{name[:MAX_NAME_LENGTH]}", type = "text"'


def _line_for_parameter(name: str) -> str:
    plain = _snake(name)
    parameter = _OTHER_PARAMETERS.get(plain)
    if parameter is not None:
        return f'[query] {parameter} = {{names = ["{name[:MAX_NAME_LENGTH]}"]}}'
    return f'[[fields]] name = "{name[:MAX_NAME_LENGTH]}", if tasks have this field'

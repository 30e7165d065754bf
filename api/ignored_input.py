"""Says in the log what a frontend sends that its wire format does not know, with the line of a profile that serves it.

Each name is said once a process, and never a value: a developer who points a frontend at this service sees why a field
is not kept.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import structlog

from api.errors import ValidationFailed
from api.profiles.reading import SCHEMA

if TYPE_CHECKING:
    from api.profiles.wire_format import WireFormat

MAX_NAMES: Final = 100
MAX_NAME_LENGTH: Final = 64

_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_FIELDS: Final = ("id", "title", "description", "completed", "due_date", "user_id", "created_at", "updated_at")
_OTHER_FIELDS: Final = {
    "_id": "id",
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
_COMPLETED_VALUES: Final = ', values = {true = "completed", false = "pending"}'
_STATUS_LINE: Final = '[status] name = "status", done = "completed", open = "pending"'
_ACCOUNT_ROUTES: Final = {
    **dict.fromkeys(("me", "profile", "user", "whoami"), "me"),
    **dict.fromkeys(("logout", "signout"), "logout"),
    **dict.fromkeys(("refresh", "renew"), "renew"),
    "verify": "verify",
}
_TASK_ID: Final = "{task_id}"
_NO_NAME: Final = "no profile: it is too long, or not of the form that names and paths have there"
_NAME: Final = re.compile(SCHEMA["$defs"]["name"]["pattern"])
_PATH: Final = re.compile(SCHEMA["$defs"]["paths"]["items"]["pattern"])
_COLLECTION: Final = re.compile(SCHEMA["$defs"]["collection"]["pattern"])
_BELOW: Final = re.compile(SCHEMA["properties"]["completion"]["items"]["properties"]["path"]["pattern"])


class IgnoredInput:
    """Remembers which names were said. One for a process, used by all its threads."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()
        self._said: set[tuple[str, str]] = set()

    def note_members(self, wire_format: WireFormat, body: object) -> None:
        """Note the members of a body that are ignored. It need not be valid: perhaps what it lacks has another name."""
        for name in wire_format.fields.ignored(body):
            self._say("body member", name, _line_for_member(name, wire_format))

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

    def note_path(self, method: str, path: str, user_id: str) -> None:
        """Note a request with a valid token of this user for a path that is not served."""
        segments = [_template_of(segment, user_id) for segment in path.split("/")]
        self._say("path", f"{method} {'/'.join(segments)}", _line_for_path(segments))

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


def _line_for_member(name: str, wire_format: WireFormat) -> str:
    if not _NAME.fullmatch(name):
        return _NO_NAME
    plain = _snake(name)
    field = plain if plain in _FIELDS else _OTHER_FIELDS.get(plain)
    if field is None:
        return _STATUS_LINE if plain == "status" else f'[[fields]] name = "{name}", type = "text"'
    if wire_format.fields.names.of(field) == (field,):
        return f'[names] {field} = "{name}"'
    return f'[also] {field} = ["{name}"]'


def _line_for_parameter(name: str) -> str:
    if not _NAME.fullmatch(name):
        return _NO_NAME
    parameter = _OTHER_PARAMETERS.get(_snake(name))
    if parameter is None:
        return f'[[fields]] name = "{name}", type = "text"'
    values = _COMPLETED_VALUES if _snake(name) == "completed" else ""
    return f'[query] {parameter} = {{names = ["{name}"]{values}}}'


def _line_for_path(segments: list[str]) -> str:
    """The key for an account route by its last word, for a call below a task, or for a list of tasks."""
    path = "/".join(segments)
    if len(path) > MAX_NAME_LENGTH:
        return _NO_NAME
    route = _ACCOUNT_ROUTES.get(segments[-1].replace("-", "").replace("_", "").lower())
    if route is not None and _PATH.fullmatch(path):
        return f'[accounts] {route} = ["{path}"]'
    collection, _, below = path.partition(f"/{_TASK_ID}")
    if not _COLLECTION.fullmatch(collection):
        return _NO_NAME
    return f'[[completion]] path = "{below}"' if _BELOW.fullmatch(below) else f'[tasks] aliases = ["{collection}"]'


def _template_of(segment: str, user_id: str) -> str:
    if segment == user_id:
        return "{user_id}"
    return _TASK_ID if segment.isascii() and segment.isdigit() else segment

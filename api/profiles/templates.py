"""Templates of response bodies: JSON with named values, compiled to bytes around them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Generic, TypeVar

import orjson

from api.profiles.reading import ProfileError

NULL: Final = "null"
"""The name of a value that every template has, because TOML has no null."""

OPTIONAL: Final = frozenset({"pagination", "details", "fields"})
"""Values that may be absent. A template's member is left out with its value."""

_NOTHING: Final[frozenset[str]] = frozenset()


class Template:
    """A body with places for named values. A text `$name` is a value, `$$` begins a text with a dollar sign."""

    def __init__(self, body: Any, allowed: Iterable[str], *key: str) -> None:
        """Compile the body. Raises ProfileError, with the `key`, if it names a value that is not `allowed`."""
        self._body = body
        if not _is_json(body):
            raise ProfileError("holds a value that JSON does not have, such as a date or a number past 64 bits", *key)
        self.names = frozenset(_names(body))
        """The values that the template needs."""
        unknown = sorted(self.names - {*allowed, NULL})
        if unknown:
            values = ", ".join(f"${name}" for name in (*allowed, NULL))
            raise ProfileError(f"${unknown[0]} is no value here; allowed: {values}", *key)
        self._optional = self.names & OPTIONAL
        self._parts: dict[frozenset[str], list[bytes | str]] = {}

    def count(self, name: str) -> int:
        """How often the body has a value."""
        return _names(self._body).count(name)

    def encode_around(self, name: str, values: Mapping[str, bytes | None]) -> tuple[bytes, bytes]:
        """What `encode` gives before and after a value that the body has once."""
        parts = self._select_parts(values)
        place = parts.index(name)
        return _join(parts[:place], values), _join(parts[place + 1 :], values)

    def encode(self, values: Mapping[str, bytes | None]) -> bytes:
        """The body as JSON, with values that are JSON. The member of an optional value that is None is left out."""
        return _join(self._select_parts(values), values)

    def _select_parts(self, values: Mapping[str, bytes | None]) -> list[bytes | str]:
        absent = frozenset(name for name in self._optional if values[name] is None) if self._optional else _NOTHING
        parts = self._parts.get(absent)
        if parts is None:
            parts = self._parts[absent] = _compile(self._body, absent)
        return parts

    def fill(self, values: Mapping[str, Any]) -> Any:
        """The body as an object, with values that are objects: schemas, or examples."""
        return _fill(self._body, values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Template) and self._body == other._body

    def __hash__(self) -> int:
        return hash(self.names)

    def pointer(self, name: str) -> str | None:
        """The JSON Pointer (RFC 6901) of a value in the body. None if the body does not have it."""
        return _find(self._body, name)

    def describe(self, schemas: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON Schema of the body, with the schemas of its values."""
        return _describe(self._body, schemas)


def _is_json(body: Any) -> bool:
    try:
        return bool(orjson.loads(orjson.dumps(body)) == body)
    except TypeError:
        return False


def _join(parts: list[bytes | str], values: Mapping[str, bytes | None]) -> bytes:
    return b"".join([values[part] or b"null" if isinstance(part, str) else part for part in parts])


def _value_name(body: Any) -> str | None:
    return body[1:] if isinstance(body, str) and body.startswith("$") and not body.startswith("$$") else None


def _text(body: Any) -> Any:
    return body[1:] if isinstance(body, str) and body.startswith("$$") else body


def _names(body: Any) -> list[str]:
    name = _value_name(body)
    if name is not None:
        return [name]
    children = body.values() if isinstance(body, dict) else body if isinstance(body, list) else ()
    return [name for child in children for name in _names(child)]


def _compile(body: Any, absent: frozenset[str]) -> list[bytes | str]:
    """The parts of the encoded body: bytes, and the names of the values between them."""
    parts: list[bytes | str] = []
    _append(body, absent, parts)
    merged: list[bytes | str] = []
    for part in parts:
        if merged and isinstance(part, bytes) and isinstance(merged[-1], bytes):
            merged[-1] += part
        else:
            merged.append(part)
    return merged


def _append(body: Any, absent: frozenset[str], parts: list[bytes | str]) -> None:
    name = _value_name(body)
    if name is not None:
        parts.append(b"null" if name == NULL else name)
    elif isinstance(body, dict):
        members = [(key, child) for key, child in body.items() if _value_name(child) not in absent]
        _append_all(b"{", [(orjson.dumps(key) + b":", child) for key, child in members], b"}", absent, parts)
    elif isinstance(body, list):
        _append_all(b"[", [(b"", child) for child in body if _value_name(child) not in absent], b"]", absent, parts)
    else:
        parts.append(orjson.dumps(_text(body)))


def _append_all(
    opening: bytes,
    children: list[tuple[bytes, Any]],
    closing: bytes,
    absent: frozenset[str],
    parts: list[bytes | str],
) -> None:
    parts.append(opening)
    for number, (prefix, child) in enumerate(children):
        parts.append((b"," if number else b"") + prefix)
        _append(child, absent, parts)
    parts.append(closing)


def _fill(body: Any, values: Mapping[str, Any]) -> Any:
    name = _value_name(body)
    if name is not None:
        return None if name == NULL else values[name]
    if isinstance(body, dict):
        return {key: _fill(child, values) for key, child in body.items() if _is_there(child, values)}
    if isinstance(body, list):
        return [_fill(child, values) for child in body if _is_there(child, values)]
    return _text(body)


def _is_there(body: Any, values: Mapping[str, Any]) -> bool:
    name = _value_name(body)
    return name is None or name == NULL or name in values


def _describe(body: Any, schemas: Mapping[str, Any]) -> dict[str, Any]:
    name = _value_name(body)
    if name is not None:
        return {"type": "null"} if name == NULL else schemas[name]
    if isinstance(body, dict):
        return {
            "type": "object",
            "required": [key for key, child in body.items() if _value_name(child) not in OPTIONAL],
            "properties": {key: _describe(child, schemas) for key, child in body.items()},
        }
    if isinstance(body, list):
        return {"type": "array", "prefixItems": [_describe(child, schemas) for child in body]}
    return {"const": _text(body)}


def _find(body: Any, name: str) -> str | None:
    if _value_name(body) == name:
        return ""
    children = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, child in children:
        below = _find(child, name)
        if below is not None:
            return f"/{str(key).replace('~', '~0').replace('/', '~1')}{below}"
    return None


Context = TypeVar("Context")


class Body(Generic[Context]):
    """A template with a function for each of its values. It encodes many bodies, from a context each."""

    def __init__(self, template: Template, sources: Mapping[str, Callable[[Context], Any]]) -> None:
        self.template = template
        self._sources = [(name, sources[name], name in OPTIONAL) for name in template.names if name != NULL]
        self._without_values: dict[str, tuple[bytes, bytes]] = {}

    def write(self, context: Context) -> bytes:
        """The body as JSON. Only what the template names is computed."""
        return self.template.encode(self._compute(context))

    def write_around(self, name: str, context: Context) -> tuple[bytes, bytes]:
        """The body as JSON before and after one value."""
        values = self._compute(context, without=name)
        if any(values.values()):
            return self.template.encode_around(name, values)
        # All that is computed is optional and absent: the same for every such context.
        around = self._without_values.get(name)
        if around is None:
            around = self._without_values[name] = self.template.encode_around(name, values)
        return around

    def _compute(self, context: Context, without: str | None = None) -> dict[str, bytes | None]:
        values: dict[str, bytes | None] = {}
        for name, source, optional in self._sources:
            if name != without:
                value = source(context)
                values[name] = None if optional and value is None else orjson.dumps(value)
        return values

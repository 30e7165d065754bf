"""Validates JSON and query parameters against the JSON Schemas in api/schemas/, and names the invalid fields.

The schemas are read and compiled once, at import, by two libraries. jsonschema-rs checks a value in microseconds;
jsonschema explains an invalid one. No message contains a submitted value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from api.due_dates import parse_date, parse_date_time
from api.errors import FieldError, ValidationFailed
from api.passwords import find_fault

SCHEMAS: Final[Mapping[str, dict[str, Any]]] = {
    path.name: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "schemas").glob("*.json"))
}

_REGISTRY: Final[Registry[Any]] = Registry().with_resources(
    (name, Resource.from_contents(schema, default_specification=DRAFT202012)) for name, schema in SCHEMAS.items()
)

_BASE_URI: Final = "json-schema:///"
_FAST_REGISTRY: Final = jsonschema_rs.Registry([(f"{_BASE_URI}{name}", schema) for name, schema in SCHEMAS.items()])


def _conforms(parse: Callable[[str], object]) -> Callable[[object], bool]:
    """A format check that passes if `parse` raises no ValueError. Values that are not text pass."""

    def conforms(value: object) -> bool:
        try:
            return not isinstance(value, str) or bool(parse(value))
        except ValueError:
            return False

    return conforms


_FORMATS: Final[dict[str, Callable[..., bool]]] = {
    "date": _conforms(parse_date),
    "date-time": _conforms(parse_date_time),
    "password": lambda value: not isinstance(value, str) or find_fault(value) is None,
}
_FORMAT_CHECKER: Final = FormatChecker(formats=())
for _name, _check in _FORMATS.items():
    _FORMAT_CHECKER.checks(_name)(_check)

_NOT_BLANK: Final = SCHEMAS["task-create.json"]["properties"]["title"]["allOf"][0]["pattern"]

_MESSAGES: Final = {
    "anyOf": "{label} must be a date (2026-03-01) or an RFC 3339 date-time with its offset",
    "enum": "{label} must be one of {choices}",
    "maxItems": "{label} must have at most {limit} items",
    "maxLength": "{label} must be at most {limit} characters long",
    "minimum": "{label} must be at least {limit}",
    "maximum": "{label} must be at most {limit}",
    "type": "{label} must be {article}",
    "required": "{label} is required",
}

_ARTICLES: Final = {
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "array": "a list of text",
    "null": "null",
}


LONGEST_LIST: Final = 100
"""Texts of the longest list that a schema here allows. An item that is no text is not valid."""

LONGEST_TEXT: Final = 20_000
"""More characters than any schema here allows. What exceeds them is cut before it is explained."""


class Schema:
    """One compiled schema. It may refer to the files of api/schemas/ by their names."""

    def __init__(
        self,
        document: dict[str, Any],
        names: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Compile the schema. Messages may have other `names` of the members, and other `labels` than their titles."""
        self._schema = document
        self._shown = names or {}
        self._labels = labels or {}
        self._validator = Draft202012Validator(document, registry=_REGISTRY, format_checker=_FORMAT_CHECKER)
        self._accepts = jsonschema_rs.Draft202012Validator(
            document, registry=_FAST_REGISTRY, formats=_FORMATS, validate_formats=True, base_uri=_BASE_URI
        ).is_valid
        self.names = frozenset(document["properties"])
        """The schema's members, or parameters. None of them is an object, or an array of anything but text."""

    def validate(self, value: object) -> dict[str, Any]:
        """The known members of a valid object. Raises ValidationFailed with each invalid member once.

        It costs the same however large the value is: what is in an object or an array is not valid, so it is not read.
        """
        known: object = _shorten(value)
        if isinstance(value, dict):
            known = {key: _shorten(value[key]) for key in self.names if key in value}
        if not self._accepts(known):
            self._reject(known)
        assert isinstance(known, dict)
        return known

    def validate_query(self, parameters: Iterable[tuple[str, str]]) -> dict[str, Any]:
        """The known ones of query parameters, with integers parsed. A parameter given twice is not valid."""
        values: dict[str, Any] = {}
        for name, text in parameters:
            if name not in self.names:
                continue
            if name in values:
                raise ValidationFailed(FieldError(name, f"{self._label(name)} must be given once"))
            is_integer = self._schema["properties"][name]["type"] == "integer"
            values[name] = _integer_or_text(text) if is_integer else text
        return self.validate(values)

    def _reject(self, value: object) -> None:
        errors = list(self._validator.iter_errors(value))
        if errors:
            raise ValidationFailed(*_first_of_each_field(each for error in errors for each in self._explain(error)))

    def _label(self, name: str) -> str:
        if name in self._labels:
            return self._labels[name]
        schema = self._schema["properties"].get(name, {})
        if "$ref" in schema:
            file, _, pointer = schema["$ref"].partition("#/properties/")
            schema = SCHEMAS[file]["properties"][pointer]
        return str(schema.get("title", name))

    def _explain(self, error: ValidationError) -> Iterator[FieldError]:
        instance: Any = error.instance
        if error.validator == "required":
            for name in _texts(error.validator_value):
                if name not in instance:
                    yield FieldError(name, f"{self._label(name)} is required")
        elif error.path:
            name = str(error.path[0])
            yield FieldError(name, _message(self._label(name), error))
        else:
            yield self._explain_whole(error)

    def _explain_whole(self, error: ValidationError) -> FieldError:
        if error.validator == "type":
            return FieldError("body", "The body must be a JSON object")
        if error.validator == "not":
            return FieldError("cursor", "Page and cursor cannot be given together")
        names = ", ".join(self._shown.get(name, name) for name in self._schema["properties"])
        return FieldError("body", f"At least one of {names} must be given")


def _message(label: str, error: ValidationError) -> str:
    keyword, wanted = str(error.validator), error.validator_value
    schema: Any = error.schema
    if schema.get("format") == "password" and isinstance(error.instance, str):
        fault = find_fault(error.instance)
        if fault is not None:
            return f"{label} {fault}"
    if (keyword == "type" and error.instance is None) or keyword == "minLength" or wanted == _NOT_BLANK:
        return f"{label} is required"
    if keyword == "pattern" and "\0" in str(error.instance):
        return f"{label} must not contain NUL"
    if keyword == "format":
        keyword = f"format:{wanted}"
    return _MESSAGES.get(keyword, "{label} is not valid").format(
        label=label,
        limit=wanted,
        choices=", ".join(_texts(wanted)),
        article=" or ".join(_ARTICLES.get(each, each) for each in _texts(wanted)),
    )


def _texts(wanted: Any) -> list[str]:
    """A keyword's value, single or a list, as a list of texts."""
    return [str(each) for each in wanted if each is not None] if isinstance(wanted, list) else [str(wanted)]


def _first_of_each_field(errors: Iterable[FieldError]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for error in errors:
        if error.field not in seen:
            seen.add(error.field)
            yield error


def _shorten(value: Any) -> Any:
    if isinstance(value, list):
        return [_shorten(each) if isinstance(each, str) else None for each in value[: LONGEST_LIST + 1]]
    if isinstance(value, dict):
        return {}
    return value[:LONGEST_TEXT] if isinstance(value, str) else value


def _integer_or_text(text: str) -> int | str:
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 20 else text

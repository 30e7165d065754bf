"""Reads a profile: a TOML file, checked against schema.json. A wrong one is refused with its line, key and reason."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER: Final = Path(__file__).parent

SCHEMA: Final[Mapping[str, Any]] = json.loads((FOLDER / "schema.json").read_text(encoding="utf-8"))
_VALIDATOR: Final = Draft202012Validator(SCHEMA)

_HEADER: Final = re.compile(r"\s*(\[{1,2})([^\]]+)\]{1,2}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_KEY: Final = re.compile(r"""\s*([A-Za-z0-9_."'-]+)\s*=""")

Key = tuple[str | int, ...]


class ProfileError(ValueError):
    """A profile cannot be used. `key` is the place of the reason in the document."""

    def __init__(self, reason: str, *key: str | int) -> None:
        super().__init__(f"{format_key(key)}: {reason}" if key else reason)
        self.reason = reason
        self.key: Key = key


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile whose document conforms to the schema. `text` is the content of its `file`; both may be empty."""

    name: str
    document: Mapping[str, Any]
    text: str = ""
    file: str = ""

    def table(self, name: str) -> Mapping[str, Any]:
        """One table with the schema's default for each key that is not there."""
        given: Mapping[str, Any] = self.document.get(name, {})
        keys = SCHEMA["properties"][name]["properties"]
        return {**{key: rules["default"] for key, rules in keys.items() if "default" in rules}, **given}

    def refuse(self, error: ProfileError) -> ProfileError:
        """The error with the file's name, and the line of its key."""
        line = _line_of(self.text, error.key)
        place = f"{self.file or self.name}{f', line {line}' if line else ''}"
        return ProfileError(_CONTROL.sub("?", f"{place}: {error}"))


def shipped() -> list[str]:
    """The names of the profiles that ship with the service."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_profile(name_or_path: str) -> Profile:
    """Read a shipped profile by its name, or a file that ends in `.toml`. Raises ProfileError."""
    path = Path(name_or_path).expanduser()
    if path.suffix != ".toml":
        path = FOLDER / f"{name_or_path}.toml"
        if name_or_path not in shipped():
            names = ", ".join(shipped())
            raise ProfileError(f"{name_or_path} is no profile; use a path that ends in .toml, or one of {names}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as ex:
        reason = ex.strerror if isinstance(ex, OSError) else "is not UTF-8"
        raise ProfileError(f"{path}: {reason}") from None
    return parse_profile(path.stem, text, str(path))


def parse_profile(name: str, text: str, file: str = "") -> Profile:
    """Parse the text of a profile. Raises ProfileError."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as ex:
        raise ProfileError(f"{file or name}: not TOML: {ex}") from None
    profile = Profile(name, document, text, file)
    error = best_match(_VALIDATOR.iter_errors(document))
    if error is not None:
        raise profile.refuse(ProfileError(_explain(error), *error.absolute_path, *_extra_key(error)))
    return profile


def format_key(key: Sequence[str | int]) -> str:
    """A place in a document, such as `fields[2].type`."""
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in key).removeprefix(".")


def _extra_key(error: ValidationError) -> list[str]:
    """The first key that is not allowed, if that is the error: the error's own path ends at the table around it."""
    if error.validator != "additionalProperties" or not isinstance(error.instance, dict):
        return []
    schema: Any = error.schema
    allowed, pattern = schema.get("properties", {}), schema.get("patternProperties", {})
    return [key for key in error.instance if key not in allowed and not any(re.search(p, key) for p in pattern)][:1]


def _explain(error: ValidationError) -> str:
    schema: Any = error.schema
    wanted: Any = error.validator_value
    if error.validator == "additionalProperties":
        names = schema.get("properties") or ["names in capitals, such as VALIDATION_ERROR"]
        return f"is no key here; allowed: {', '.join(names)}"
    if error.validator == "required":
        missing = next(name for name in wanted if name not in error.instance)  # type: ignore[operator]
        return f"lacks the key {missing}"
    if error.validator == "enum":
        return f"must be one of {', '.join(map(str, wanted))}"
    if error.validator == "type":
        types = wanted if isinstance(wanted, list) else [wanted]
        return f"must be {' or '.join(_TYPES[each] for each in types)}"
    if error.validator == "pattern":
        return f"{json.dumps(error.instance)} is not of its form, such as {json.dumps(_example(error.absolute_path))}"
    return "the key choices is only for the type choice" if schema is False else error.message


def _example(path: Iterable[str | int]) -> Any:
    """The first example in the schema of a key, or of the nearest key around it."""
    schema: Any = SCHEMA
    example = None
    for step in path:
        if "$ref" in schema:
            schema = {**SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], **schema}
        schema = schema.get("items", {}) if isinstance(step, int) else schema.get("properties", {}).get(step, {})
        example = schema.get("examples", [example])[0]
    return example


_TYPES: Final = {
    "object": "a table",
    "array": "an array",
    "string": "text",
    "boolean": "true or false",
    "number": "a number",
    "integer": "a whole number",
}


def _line_of(text: str, key: Key) -> int | None:
    """The number of the line that defines the key, or else the nearest table around it; None without either."""
    wanted = [str(each) for each in key]
    best, best_line = 0, None
    table: list[str] = []
    counts: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        header = _HEADER.match(line)
        if header:
            table = _split(header[2])
            if header[1] == "[[":
                counts[header[2]] = counts.get(header[2], -1) + 1
                table.append(str(counts[header[2]]))
        assignment = None if header else _KEY.match(line)
        if header or assignment:
            here = [*table, *(_split(assignment[1]) if assignment else ())]
            if len(here) > best and here == wanted[: len(here)]:
                best, best_line = len(here), number
    return best_line


def _split(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]

"""The parts of docs/frontends.md: its tables, from the schema and the profiles that ship, and its worked example.

`python -m tests.profiles.guide` writes the tables into the document, between their markers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from api.profiles.reading import SCHEMA, read_profile, shipped
from api.profiles.wire_format import WireFormat

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "frontends.md"


class Block(NamedTuple):
    """A fenced block: its kind and its text."""

    kind: str
    text: str


def worked_example() -> list[Block]:
    """The blocks of the worked example, in order."""
    text = DOCUMENT.read_text(encoding="utf-8").split("\n## A worked example\n", 1)[1]
    section = re.split(r"^## ", text, maxsplit=1, flags=re.MULTILINE)[0]
    return [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```", section, re.MULTILINE | re.DOTALL)]


def resolve(rules: Mapping[str, Any]) -> dict[str, Any]:
    """The rules with those that they refer to."""
    name = rules.get("$ref", "").rpartition("/")[2]
    return {**resolve(SCHEMA["$defs"][name]), **rules} if name else dict(rules)


def keys_of(rules: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The keys of a table and of the tables in it, dotted; those of a query parameter are all alike and left out."""
    for name, each in rules["properties"].items():
        key = resolve(each)
        if "properties" in key and "examples" not in key:
            yield from keys_of(key, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", key


def to_toml(value: Any) -> str:
    """The value as TOML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {to_toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(to_toml, value)) + "]"
    return json.dumps(value)


def key_rows(rules: Mapping[str, Any], *, in_names: bool = False) -> list[str]:
    """A Markdown table of the keys of one table of a profile. The default of a name is the canonical one."""
    required = rules.get("required", ())
    rows = ["| key | default | meaning | example |", "| --- | --- | --- | --- |"]
    for name, key in keys_of(rules):
        default = f"`{to_toml(key['default'])}`" if "default" in key else "needed" if name in required else ""
        if in_names or name.startswith("names."):
            default = f'`"{name.rpartition(".")[2]}"`'
        rows.append(f"| `{name}` | {default} | {key['description']} | `{name} = {to_toml(key['examples'][0])}` |")
    return rows


def reference() -> str:
    """The reference: a section for each table of a profile."""
    lines: list[str] = []
    top = {name: resolve(rules) for name, rules in SCHEMA["properties"].items()}
    plain = {name: rules for name, rules in top.items() if "properties" not in rules and "items" not in rules}
    lines += ["### Before the tables", "", *key_rows({"properties": plain, "required": SCHEMA["required"]}), ""]
    for name, rules in top.items():
        if name in plain:
            continue
        table = rules.get("items", rules)
        heading = f"[[{name}]]" if "items" in rules else f"[{name}]"
        lines += [f"### `{heading}`", "", rules["description"], "", *key_rows(table, in_names=name == "names"), ""]
        for inner, each in table["properties"].items():
            if "properties" in each:
                lines += [f"`[{name}.{inner}]`: {each['description']}", ""]
        if name == "query":
            lines += ["Each of them has these keys:", "", *key_rows(SCHEMA["$defs"]["parameter"]), ""]
    return "\n".join(lines).rstrip()


def shipped_profiles() -> str:
    """A Markdown table of the profiles that ship with the service."""
    rows = ["| `FRONTEND` | serves | tasks at | a list is |", "| --- | --- | --- | --- |"]
    for name in shipped():
        profile = read_profile(name)
        wire_format = WireFormat(profile)
        paths = ", ".join(f"`{path}`" for path in wire_format.collections)
        body = json.dumps(profile.table("responses")["list"])
        rows.append(f"| `{name}` | {wire_format.summary} | {paths} | `{body}` |")
    return "\n".join(rows)


def with_tables(text: str) -> str:
    """The document with its tables as they should be."""
    for name, table in (("shipped", shipped_profiles()), ("reference", reference())):
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        assert pattern.search(text), name
        text = pattern.sub(lambda match, table=table: f"{match[1]}{table}\n{match[2]}", text)  # type: ignore[misc]
    return text


if __name__ == "__main__":
    DOCUMENT.write_text(with_tables(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")

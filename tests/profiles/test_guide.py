"""docs/frontends.md: its worked example works as printed; its tables are those of the schema and of the profiles."""

from __future__ import annotations

import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from api.profiles.reading import SCHEMA, parse_profile
from api.profiles.wire_format import WireFormat
from tests.profiles.guide import DOCUMENT, Block, keys_of, resolve, to_toml, with_tables, worked_example
from tests.support.processes import PATIENT, PROJECT, UNLIMITED, Service
from tests.support.waiting import wait_until

TEXT = DOCUMENT.read_text(encoding="utf-8")


def as_pattern(shown: str) -> str:
    """A pattern of a printed output, in which `…` stands for anything."""
    return ".*".join(re.escape(part) for part in shown.split("…"))


class Reader:
    """Somebody who follows the worked example in a folder: writes the profile, starts the service, calls it."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self._folder = folder
        self._environ = {
            **UNLIMITED,
            **PATIENT,
            # The check rejects the tests' usual secret, which can be guessed.
            "BETTER_AUTH_SECRET": secrets.token_urlsafe(32),
            "DATABASE_URL": database_url,
            "FRONTEND": "pinboard.toml",
            "WORKERS": "1",
        }
        self._starts = 0
        self._output = ""
        self._service: Service | None = None

    def do(self, block: Block) -> None:
        if block.kind == "toml":
            with (self._folder / "pinboard.toml").open("a", encoding="utf-8") as profile:
                profile.write(block.text)
        elif block.kind == "sh":
            self._run(block.text)
        elif block.kind == "output":
            assert re.fullmatch(as_pattern(block.text.strip()), self._output.strip(), re.DOTALL), self._output
        elif block.kind == "log":
            lines = block.text.splitlines()
            wait_until(lambda: self._log().count("not understood") == len(lines), "the lines of the log")
            for line in lines:
                assert re.search(as_pattern(line), self._log()), self._log()

    def stop(self) -> None:
        if self._service is not None:
            self._service.stop()

    def _log(self) -> str:
        assert self._service is not None
        return self._service.output

    def _run(self, command: str) -> None:
        if command == "FRONTEND=pinboard.toml make run\n":
            self.stop()
            self._starts += 1
            log = self._folder / f"service-{self._starts}.log"
            self._service = Service(log, {**self._environ, "LOG_FORMAT": "text"})
            self._service.wait_until_ready()
            return
        command = command.replace(".venv/bin/python serve.py", f"{sys.executable} {PROJECT / 'serve.py'}")
        if self._service is not None:
            command = command.replace("localhost:8000", f"127.0.0.1:{self._service.port}")
        # The reader's shell keeps TOKEN from one block to the next.
        script = f"set -eu\ntouch state\n. ./state\n{command}\ndeclare -p TOKEN > state || true\n"
        done = subprocess.run(
            [shutil.which("bash") or "bash", "-c", script],
            cwd=self._folder,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", **self._environ},
            capture_output=True,
            text=True,
            check=True,
            timeout=180,
        )
        self._output = done.stdout


@pytest.fixture
def reader(tmp_path: Path, create_database: Callable[[], str]) -> Iterator[Reader]:
    reader = Reader(tmp_path, create_database())
    yield reader
    reader.stop()


def test_the_worked_example_works_as_printed(reader: Reader) -> None:
    blocks = worked_example()
    assert [block.kind for block in blocks].count("toml") == 4
    assert [block.kind for block in blocks].count("output") > 5
    for block in blocks:
        reader.do(block)
    assert reader._log().count("not understood") == 0


def test_the_tables_are_those_of_the_schema_and_of_the_profiles() -> None:
    assert with_tables(TEXT) == TEXT, "run: .venv/bin/python -m tests.profiles.guide"


def descriptions_in(schema: Any) -> Iterator[str]:
    children = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    for child in children:
        yield from descriptions_in(child)
    if isinstance(schema, dict) and isinstance(schema.get("description"), str):
        yield schema["description"]


def test_everything_that_the_schema_describes_is_in_the_document() -> None:
    descriptions = set(descriptions_in(SCHEMA["properties"])) | set(descriptions_in(SCHEMA["$defs"]))
    assert len(descriptions) > 60
    assert [text for text in descriptions if text not in TEXT] == []


def examples() -> Iterator[tuple[str, dict[str, Any]]]:
    """The example of each key of the schema, in a profile that has what it needs beside it."""
    for name, rules in SCHEMA["properties"].items():
        table = resolve(rules)
        inner = resolve(table.get("items", table))
        if "properties" not in inner:
            yield name, {"summary": "Mine.", name: inner["examples"][0]}
            continue
        for dotted, key in keys_of(inner):
            needed = {each: inner["properties"][each] for each in inner.get("required", ())}
            given = {each: resolve(rules)["examples"][0] for each, rules in needed.items()}
            *tables, last = dotted.split(".")
            place = given
            for each in tables:
                below = resolve(resolve(inner["properties"])[each])
                needed = {one: resolve(below["properties"][one])["examples"][0] for one in below.get("required", ())}
                place = place.setdefault(each, needed)
            place[last] = key["examples"][0]
            if name == "fields":
                given.setdefault("choices", ["low", "medium", "high"])
            yield f"{name}.{dotted}", {"summary": "Mine.", name: [given] if "items" in table else given}


@pytest.mark.parametrize(("key", "document"), list(examples()), ids=[key for key, _ in examples()])
def test_each_example_compiles(key: str, document: Mapping[str, Any]) -> None:
    assert f"`{key.split('.', 1)[-1]}`" in TEXT
    text = "\n".join(f"{name} = {to_toml(value)}" for name, value in document.items())
    WireFormat(parse_profile("example", text))


def test_each_example_of_a_query_parameter_compiles() -> None:
    for key, rules in SCHEMA["$defs"]["parameter"]["properties"].items():
        example = resolve(rules)["examples"][0]
        text = f'summary = "Mine."\n[query.sort]\n{key} = {to_toml(example)}'
        WireFormat(parse_profile("example", text))


def test_every_file_and_setting_that_it_names_exists() -> None:
    paths = re.findall(r"`((?:api|docs|clients)/[\w./-]+|serve\.py)`", TEXT)
    assert len(paths) >= 3
    assert [path for path in paths if not (PROJECT / path).exists()] == []
    # The tables name values of frontends that look like settings.
    own = re.sub(r"<!-- (\w+) -->.*?<!-- end of \1 -->", "", TEXT, flags=re.DOTALL)
    for setting in set(re.findall(r"`([A-Z_]{4,})`", own)):
        assert setting in (PROJECT / "docs/operating.md").read_text(encoding="utf-8") or setting in (
            PROJECT / "docs/openapi.json"
        ).read_text(encoding="utf-8"), setting

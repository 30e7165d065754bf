"""The messages for operators in the code: refusals and log lines, with `…` for each part that varies."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.processes import PROJECT

ERRORS = {"SettingsError", "EmbeddedError", "ConnectionFailed", "LookupError", "SystemExit", "OSError"}

SETTING_VALUES = {"setting_values.py", "database_url.py", "forwarded.py", "origins.py", "value_files.py"}
"""The files whose ValueErrors become refusals that begin with a setting's name."""

VALUE_ERRORS = {*SETTING_VALUES, "tokens.py", "001_create_tables.py"}
"""The files whose ValueErrors become refusals of a start."""

LEVELS = {"info", "warning", "error"}


def refusals() -> set[str]:
    """What stops a start, fails in --check or stops pw_migrate."""
    files = [PROJECT / "serve.py", *PROJECT.glob("api/**/*.py"), *PROJECT.glob("migrations/*.py")]
    return {text for file in files for text in _refusals_in(file) if _has_words(text)}


def log_lines() -> set[str]:
    """The sentences of the log. Its events are single words."""
    files = [PROJECT / "serve.py", *PROJECT.glob("api/**/*.py")]
    found = {text for file in files for call in _calls(file) if _name(call) in LEVELS for text in _texts(call.args[:1])}
    return {text for text in found if " " in text}


def _refusals_in(file: Path) -> Iterator[str]:
    for call in _calls(file):
        name = _name(call)
        is_refusal = name in ERRORS or (name == "ValueError" and file.name in VALUE_ERRORS)
        if is_refusal or (name == "__init__" and file.name == "errors.py"):
            # load_settings puts the setting's name before these.
            prefix = "… " if file.name in SETTING_VALUES and name == "ValueError" else ""
            yield from (prefix + text for text in _texts(call.args))
        elif name == "Finding" and isinstance(call.args[1], ast.Constant) and call.args[1].value is False:
            yield from _texts(call.args[2:])
    for node in _nodes(file):
        if isinstance(node, ast.FunctionDef) and node.name in {"describe_failure", "explain"}:
            yield from (
                text for each in ast.walk(node) if isinstance(each, ast.Return) for text in _texts([each.value])
            )
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "_ADVICE":
            assert isinstance(node.value, ast.Tuple)
            pairs = [each for each in node.value.elts if isinstance(each, ast.Tuple)]
            yield from (re.sub(r"\{\w+\}", "…", text) for each in pairs for text in _texts(each.elts[1:]))


@cache
def _nodes(file: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))


def _calls(file: Path) -> Iterator[ast.Call]:
    return (node for node in _nodes(file) if isinstance(node, ast.Call))


def _name(call: ast.Call) -> str:
    function = call.func
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _texts(nodes: list[ast.expr | None] | list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.sub(r"%(\.\d)?[sdf]", "…", node.value)
        elif isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)


def _has_words(text: str) -> bool:
    return len(re.findall(r"[a-z]{2,}", text)) >= 2

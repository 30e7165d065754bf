"""`api.server` can be lifted out: it imports nothing else of the project, has no circle, and holds waitress."""

from __future__ import annotations

import ast
import importlib
import inspect
from graphlib import TopologicalSorter
from pathlib import Path

import waitress.channel
import waitress.server
import waitress.task
import waitress.wasyncore

from tests.service import PROJECT

FOLDER = PROJECT / "api" / "server"
MODULES = sorted(path.stem for path in FOLDER.glob("*.py"))


def imports(path: Path) -> set[str]:
    """Every module that the file names in an import, those for the type checker included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found |= {f"{node.module}.{each.name}" for each in node.names}
    return found


def test_nothing_of_the_project_outside_is_imported() -> None:
    for path in FOLDER.glob("*.py"):
        assert not [name for name in imports(path) if name.startswith("api.") and not name.startswith("api.server.")]
        assert not {"api", "api.server", "serve", "tests"} & imports(path)


def test_no_import_leads_back() -> None:
    graph = {
        module: {name.split(".")[2] for name in imports(FOLDER / f"{module}.py") if name.startswith("api.server.")}
        for module in MODULES
    }
    assert graph["workers"] >= {"loop", "listener"}
    assert set(TopologicalSorter(graph).static_order()) == set(MODULES)


def test_no_class_inherits_from_waitress_server_channel_or_task() -> None:
    owners = {waitress.server.__name__, waitress.channel.__name__, waitress.task.__name__, waitress.wasyncore.__name__}
    classes = [
        each
        for module in MODULES
        for _, each in inspect.getmembers(importlib.import_module(f"api.server.{module}"), inspect.isclass)
        if each.__module__.startswith("api.server.")
    ]
    assert "Connection" in {each.__name__ for each in classes}
    for each in classes:
        assert not owners & {base.__module__ for base in each.__mro__}, each

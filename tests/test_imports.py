"""Independent folders of `api/`: they import nothing from the rest of it and have no import cycle."""

from __future__ import annotations

import ast
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.support.processes import PROJECT

FOLDERS = ["postgres", "jose", "server"]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in PROJECT.glob("api/**/*.py")}


def imports_of(path: Path) -> set[str]:
    """The full names of everything that a module imports, anywhere in it: modules and their members."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def graph_of(folder: str) -> dict[str, set[str]]:
    """The modules of a folder, each with the modules of `api/` that it imports."""
    package = f"api.{folder}"
    graph = {
        name: imports_of(path) & set(MODULES) - {package}
        for name, path in MODULES.items()
        if name.startswith(f"{package}.")
    }
    assert len(graph) > 3
    return graph


@pytest.mark.parametrize("folder", FOLDERS)
def test_it_imports_nothing_from_the_rest_of_api(folder: str) -> None:
    graph = graph_of(folder)
    assert [(name, other) for name, others in graph.items() for other in others if other not in graph] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_it_has_no_import_cycle(folder: str) -> None:
    TopologicalSorter(graph_of(folder)).prepare()


def test_the_errors_import_the_standard_library_and_the_errors_of_the_database() -> None:
    names = {name for name in imports_of(MODULES["api.errors"]) if name.split(".")[0] not in sys.stdlib_module_names}
    assert {name for name in names if name in MODULES or "." not in name} == {"api.postgres.errors"}

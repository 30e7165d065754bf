"""CONTRIBUTING.md and the other files for contributors: their commands exist, and their examples work."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from falcon.testing import TestClient
from peewee_migrate import Router

from api import app, migrate, resources, settings
from api.openapi import document, service_operations
from api.postgres.database import Database

PROJECT = Path(__file__).resolve().parent.parent
TEXT = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^```python (\w+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))
COMMANDS = [
    *"".join(re.findall(r"^```sh\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)).splitlines(),
    *re.findall(r"^\| `(make [^`]*)` \|", TEXT, re.MULTILINE),
]
MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf-8")
HOOKS = {
    hook["id"]: hook["entry"]
    for repository in yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    for hook in repository["hooks"]
}


def run_example(name: str, module: Any, **names: Any) -> dict[str, Any]:
    """Run an example with the names of the module that it extends; the names that it defines."""
    namespace = {**vars(module), **names}
    exec(EXAMPLES[name], namespace)
    return namespace


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_names_only_existing_files(command: str) -> None:
    words = shlex.split(command)
    match words:
        case ["make", target, *_]:
            assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)
        case [".venv/bin/python", "-m", module, *_]:
            assert importlib.util.find_spec(module) is not None
        case ["npm", "run", script, "--workspace", folder]:
            package = json.loads((PROJECT / folder / "package.json").read_text(encoding="utf-8"))
            assert script in package["scripts"]
        case _:
            assert words[0] in {"git", "node"}
    paths = [word for word in words if "/" in word and not word.startswith(".venv")]
    assert [path for path in paths if not (PROJECT / path.removeprefix("PYTEST=").split()[0]).exists()] == []


def test_the_commands_are_found() -> None:
    assert {"make test", "make check", "make lock", "git push --follow-tags"} <= set(COMMANDS)


def test_every_path_it_names_exists() -> None:
    named = re.findall(r"`((?:api|docs|tests|migrations|requirements)/[\w./]*|setup\.cfg|serve\.py|\.ci/run)`", TEXT)
    assert len(named) > 10
    assert [path for path in named if not (PROJECT / path).exists()] == []


def test_the_route_works_as_shown(make_client: Callable[..., TestClient], make_user: Callable[..., Any]) -> None:
    resource = run_example("resource", resources)["CurrentUser"]
    route = eval(EXAMPLES["route"], {**vars(app), "CurrentUser": resource})
    client = make_client()
    client.app.add_route(route.template, route.resource)
    assert client.simulate_get("/api/me").status_code == 401
    assert make_user("ada", through=client)("GET", "/api/me").json == {"data": {"id": "ada"}}


def test_the_route_is_described_as_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = run_example("resource", resources)["CurrentUser"]
    operation = run_example("operation", service_operations)["CURRENT_USER"]
    described = eval(EXAMPLES["described"], {"CurrentUser": resource, "CURRENT_USER": operation})
    monkeypatch.setattr(document, "_DESCRIBE", {**document._DESCRIBE, **described})
    route = eval(EXAMPLES["route"], {**vars(app), "CurrentUser": resource})
    shown = document.build_document([route])["paths"]["/api/me"]["get"]
    assert shown["operationId"] == "getCurrentUser"
    assert {"200", "401", "429", "500"} <= set(shown["responses"])


def test_the_setting_is_read_as_shown() -> None:
    name, _, value = EXAMPLES["setting"].partition(" = ")
    assert name == "max_title: int"
    setting = eval(value, vars(settings)).metadata["setting"]
    assert (setting.parse("80"), setting.default) == (80, 500)
    with pytest.raises(ValueError, match="500"):
        setting.parse("501")


def test_the_migration_runs_forth_and_back_as_shown(
    create_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(PROJECT / "migrations", folder, ignore=shutil.ignore_patterns("__pycache__"))
    (name,) = re.findall(r"`(\d{3}_\w+)\.py`", TEXT)
    assert migrate._FILE_NAME.fullmatch(f"{name}.py")
    (folder / f"{name}.py").write_text(EXAMPLES["migration"], encoding="utf-8")
    monkeypatch.setattr(migrate, "MIGRATIONS", folder)
    url = create_database()
    database = Database(url, pool_size=2, statement_timeout=10)
    columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 'tasks'"
    try:
        assert migrate.migrate(database, "users")[-1] == name
        assert ("color",) in database.run(columns)
        assert migrate.pending(database) == []
        connection = migrate.MigrationDatabase(url, "users")
        with connection.connection_context():
            Router(connection, folder, migrate_table=migrate.HISTORY).rollback()
        assert ("color",) not in database.run(columns)
        assert migrate.pending(database) == [name]
    finally:
        database.close()


def test_the_hooks_are_valid_and_use_the_environments_tools() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-config", PROJECT / ".pre-commit-config.yaml"],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert {name: entry.split(" --")[0] for name, entry in HOOKS.items() if name != "commit-subject"} == {
        "ruff-format": ".venv/bin/python -m ruff format",
        "ruff-check": ".venv/bin/python -m ruff check",
        "mypy": ".venv/bin/python -m mypy",
    }


@pytest.mark.parametrize(("length", "status"), [(72, 0), (73, 1)])
def test_a_commit_subject_of_more_than_72_characters_is_rejected(length: int, status: int, tmp_path: Path) -> None:
    message = tmp_path / "message"
    message.write_text("x" * length + "\n\n" + "a longer line of the body " * 5, encoding="utf-8")
    done = subprocess.run(
        [*shlex.split(HOOKS["commit-subject"]), message], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == status

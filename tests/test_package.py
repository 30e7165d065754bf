"""The wheel, installed in an environment of its own and run from another folder: it has all that it needs to serve."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.processes import PATIENT, PROJECT, WebServer

SOURCES = ("api", "migrations", "serve.py")
ACCOUNT = {"email": "ada@example.com", "password": "correct horse"}


def run(*command: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    """The end of a command, which may fail."""
    words = [*map(str, command)]
    return subprocess.run(words, capture_output=True, text=True, timeout=300, check=False, **options)  # type: ignore[call-overload,no-any-return]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, because setuptools puts what a former build has left in a folder into the wheel too."""
    folder = tmp_path_factory.mktemp("sources")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "serve.py"):
        shutil.copy(PROJECT / name, folder)
    for name in ("api", "migrations"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder / "dist")
    done = run(sys.executable, "-m", "pip", "wheel", *options, folder)
    assert done.returncode == 0, done.stderr
    [built] = (folder / "dist").iterdir()
    return built


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that has the wheel, and of the tests' environment the other packages."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder / "lib" / version / "site-packages"
    (packages / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    python = folder / "bin" / "python"
    options = ("--quiet", "--no-deps", "--no-index", "--no-compile", wheel)
    done = run(sys.executable, "-m", "pip", "--python", python, "install", *options)
    assert done.returncode == 0, done.stderr
    assert {entry.name.partition("-")[0] for entry in packages.iterdir()} == {"others.pth", "tasks_backend"}
    return python.parent


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def environ(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "WORKERS": "1", "BCRYPT_COST": "4", **PATIENT}


@pytest.fixture(scope="module")
def service(scripts: Path, home: Path, environ: dict[str, str]) -> Iterator[WebServer]:
    folder = home / "empty"
    folder.mkdir()
    port = free_port()
    settings = {**environ, "PORT": str(port), "FRONTEND": "camel"}
    started = WebServer([scripts / "tasks-backend"], home / "log", port=port, cwd=folder, environ=settings)
    try:
        started.wait_until_ready(120)
        yield started
    finally:
        status = started.stop()
    assert status == 0, started.output
    assert "Traceback" not in started.output
    assert list(folder.iterdir()) == []


def test_the_wheel_is_one_package_with_every_file_of_the_sources(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    files = {path for source in SOURCES for path in ((PROJECT / source).rglob("*") if "." not in source else [])}
    files = {path for path in files if path.is_file() and "__pycache__" not in path.parts} | {PROJECT / "serve.py"}
    assert len(files) > 150
    assert {f"tasks_backend/{path.relative_to(PROJECT)}" for path in files} <= names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"tasks_backend"}


def test_it_serves_the_page_the_reference_and_the_api(service: WebServer) -> None:
    page = service.call("GET", "/")
    assert page.status == 200
    assert b"<html" in page.body
    assert service.call("GET", "/docs").status == 200
    assert service.serves("/openapi.json")
    assert service.call("POST", "/api/auth/register", ACCOUNT).status == 201
    token = service.call("POST", "/api/auth/login", ACCOUNT).json["token"]
    created = service.call("POST", "/api/tasks", {"title": "Packed", "dueDate": "2026-03-01"}, token=token)
    assert created.status == 201, created.body
    assert service.call("POST", "/api/tasks", {"title": ""}, token=token).status == 422


def test_its_data_is_in_the_users_folder(service: WebServer, home: Path) -> None:
    data = home / ".local" / "share" / "tasks-backend"
    assert (data / "postgres" / "PG_VERSION").exists()
    assert (data / "secret").stat().st_mode & 0o777 == 0o600


def test_its_commands_work_on_the_same_data(
    service: WebServer, scripts: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    command = scripts / "tasks-backend"
    checked = run(command, "check", cwd=tmp_path, env=environ)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    refused = run(command, "rolback", cwd=tmp_path, env=environ)
    assert refused.returncode == 2
    assert refused.stderr.startswith("tasks-backend: ")
    where = run(command, "migrations", "--directory", cwd=tmp_path, env=environ).stdout.strip()
    pw_migrate = (scripts / "python", "-m", "peewee_migrate")
    listed = run(*pw_migrate, "list", "--directory", where, cwd=tmp_path, env=environ)
    assert "- [x] 003_accounts" in listed.stdout, listed.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("document", ["README.md", "docs/operating.md"])
def test_the_documents_start_this_wheel_by_this_command(document: str, wheel: Path, scripts: Path) -> None:
    text = (PROJECT / document).read_text(encoding="utf-8")
    blocks = "".join(re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    starts = [line.split() for line in blocks.splitlines() if line.startswith(("uvx", "pipx"))]
    assert len(starts) in (2, 3)
    assert {words[-1] for words in starts} == {"tasks-backend"}
    assert (scripts / "tasks-backend").exists()
    assert {Path(words[-2]).name for words in starts if words[-2].endswith(".whl")} == {wheel.name}

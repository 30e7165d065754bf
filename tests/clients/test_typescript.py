"""The TypeScript client: generated from the committed document, compiled strictly, run under Node."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.support.processes import PROJECT, UNLIMITED, Service, running
from tests.support.programs import missing
from tests.support.signing import token_for
from tests.support.waiting import wait_until

CLIENT = PROJECT / "clients" / "typescript"
MODULES = PROJECT / "node_modules"
DEADLINE = 300
"""Seconds for a command of npm or TypeScript; each takes some."""


def run(*command: str | Path, cwd: Path = CLIENT, **environ: str) -> str:
    """Run a command that must succeed; its output."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def tool() -> Callable[[str], Path]:
    """A function that returns the path of a command installed by npm."""
    if not (MODULES / ".bin" / "tsc").exists() or shutil.which("node") is None:
        missing("needs Node 20 and the npm workspace: npm ci")
    return lambda name: MODULES / ".bin" / name


@pytest.fixture(scope="module")
def compiled(tool: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client and its tests as JavaScript."""
    folder = tmp_path_factory.mktemp("client")
    run(tool("tsc"), "--project", "tsconfig.test.json", "--outDir", folder)
    shutil.copy(CLIENT / "package.json", folder)
    (folder / "node_modules").symlink_to(MODULES)
    return folder


def run_tests(compiled: Path, name: str, **environ: str) -> None:
    """Run one file of the client's own tests."""
    output = run("node", "--test", "--test-reporter=tap", f"{name}.test.js", cwd=compiled, **environ)
    assert re.search(r"^# pass [1-9]", output, re.MULTILINE), output


def users(service: Service) -> dict[str, str]:
    """What the client's own tests need to know of a service."""
    user_id = f"user-{uuid.uuid4()}"
    return {
        "BASE_URL": service.origin,
        "TOKEN": token_for(user_id),
        "STRANGER": token_for(f"stranger-{uuid.uuid4()}"),
        "EXPIRED_TOKEN": token_for(user_id, exp=int(time.time()) - 60),
    }


@pytest.fixture
def settings(create_database: Callable[[], str]) -> dict[str, str]:
    return {
        "DATABASE_URL": create_database(),
        **UNLIMITED,
        "WORKERS": "1",
        "MAX_TASKS": "3",
        "RATE_LIMIT": "60/minute",
    }


def test_the_committed_types_are_those_of_the_committed_document(tool: Callable[[str], Path]) -> None:
    assert tool("openapi-typescript").exists()
    run("npm", "run", "--silent", "generate", "--", "--check")


@pytest.fixture(scope="module")
def project(tool: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of its own in which npm's tarball of the client is installed."""
    folder = tmp_path_factory.mktemp("project")
    assert tool("tsc").exists()
    run("npm", "pack", "--silent", "--pack-destination", folder)
    installed = folder / "node_modules" / "tasks-api-client"
    run("tar", "-xzf", next(folder.glob("*.tgz")), cwd=folder)
    (folder / "node_modules").mkdir()
    (folder / "package").rename(installed)
    for name in ("openapi-fetch", "openapi-typescript-helpers"):
        (folder / "node_modules" / name).symlink_to(MODULES / name)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


def test_the_package_has_what_was_built_and_no_sources(project: Path) -> None:
    package = project / "node_modules" / "tasks-api-client"
    scripts = {"dist/api-client.js", "dist/api-types.js", "dist/errors.js"}
    types = {name.replace(".js", ".d.ts") for name in scripts}
    files = {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()}
    assert files == {"README.md", "package.json"} | scripts | types


@pytest.mark.parametrize("load", ["await import('tasks-api-client')", "require('tasks-api-client')"])
def test_node_loads_the_package(load: str, project: Path) -> None:
    script = f"(async () => console.log(Object.keys({load}).sort().join()))()"
    kind = "module" if "import" in load else "commonjs"
    printed = run("node", f"--input-type={kind}", "--no-warnings", "--eval", script, cwd=project)
    assert printed == "ApiError,NetworkError,createApiClient,unwrap\n"


def test_the_examples_of_the_readme_do_what_it_says(
    tool: Callable[[str], Path], project: Path, settings: dict[str, str], tmp_path: Path
) -> None:
    examples = re.findall(r"^```ts\n(.*?)^```", (CLIENT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(examples) == 4
    with running(tmp_path / "log", **settings) as service:
        # As one script: each goes on where the one before has ended.
        script = "\n".join(examples).replace("http://localhost:8000", service.origin)
        (project / "example.ts").write_text(script)
        options = ("--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom,dom.iterable")
        run(tool("tsc"), *options, "example.ts", cwd=project)
        printed = run("node", "example.js", cwd=project).splitlines()
    assert printed[0] == "[ 'Buy groceries' ]"
    assert printed[1].startswith("400 EMAIL_TAKEN ")
    assert printed[2:] == ["Call the dentist", "The task has changed; read it again, and let the user decide"]


@pytest.mark.parametrize("name", ["flow", "errors"])
def test_the_client_works_against_the_service(
    name: str, compiled: Path, settings: dict[str, str], tmp_path: Path
) -> None:
    with running(tmp_path / "log", **settings) as service:
        run_tests(compiled, name, **users(service))


def test_the_client_tells_a_failed_connection_from_an_error_response(compiled: Path) -> None:
    run_tests(compiled, "network")


def end_sessions(cursor: Any, database: str) -> int:
    """Terminate the sessions that are left; their number. One may have begun just before."""
    cursor.execute("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s", (database,))
    return int(cursor.fetchone()[0])


def test_the_client_reports_a_missing_database(compiled: Path, settings: dict[str, str], tmp_path: Path) -> None:
    with running(tmp_path / "log", **settings) as service:
        url = settings["DATABASE_URL"]
        name = str(psycopg2.extensions.parse_dsn(url)["dbname"])
        with contextlib.closing(psycopg2.connect(url.replace(name, "postgres", 1))) as connection:
            # Not `with connection`, which is one transaction: the sessions would be those of its beginning.
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
            wait_until(lambda: end_sessions(cursor, name) == 0, "the database's sessions to end")
        run_tests(compiled, "unavailable", **users(service))

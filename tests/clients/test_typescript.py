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
DEADLINE = 120


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


def run_tests(compiled: Path, name: str, service: Service, user_id: str) -> None:
    """Run one file of the client's own tests as a user."""
    output = run(
        "node",
        "--test",
        "--test-reporter=tap",
        f"{name}.test.js",
        cwd=compiled,
        BASE_URL=service.origin,
        TOKEN=token_for(user_id),
        STRANGER=token_for(f"stranger-{uuid.uuid4()}"),
        EXPIRED_TOKEN=token_for(user_id, exp=int(time.time()) - 60),
    )
    assert re.search(r"^# pass [1-9]", output, re.MULTILINE), output


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


def test_the_client_compiles_by_itself(tool: Callable[[str], Path], tmp_path: Path) -> None:
    run(tool("tsc"), "--outDir", tmp_path)
    assert (tmp_path / "api-client.d.ts").exists()


def test_the_example_of_the_readme_compiles(tool: Callable[[str], Path], tmp_path: Path) -> None:
    for name in ("api-client.ts", "api-types.ts", "package.json"):
        shutil.copy(CLIENT / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(MODULES)
    example = re.findall(r"```ts\n(.*?)```", (CLIENT / "README.md").read_text(), re.DOTALL)
    assert len(example) == 1
    (tmp_path / "example.ts").write_text(example[0])
    configuration = (CLIENT / "tsconfig.json").read_text()
    (tmp_path / "tsconfig.json").write_text(configuration.replace("api-client.ts", "example.ts"))
    run(tool("tsc"), "--noEmit", cwd=tmp_path)


@pytest.mark.parametrize("name", ["flow", "errors"])
def test_the_client_works_against_the_service(
    name: str, compiled: Path, settings: dict[str, str], tmp_path: Path
) -> None:
    with running(tmp_path / "log", **settings) as service:
        run_tests(compiled, name, service, f"user-{uuid.uuid4()}")


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
        run_tests(compiled, "unavailable", service, "somebody")

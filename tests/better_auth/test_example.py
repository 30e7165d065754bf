"""The commands of the example's README, in order, from the database's user to the first task."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from tests.better_auth.servers import EXAMPLE, START_TIMEOUT, for_node
from tests.support.ports import free_port
from tests.support.processes import PATIENT, PROJECT, WebServer
from tests.support.signing import claims, make_signer
from tests.support.waiting import wait_until

README = (EXAMPLE / "README.md").read_text(encoding="utf-8")
BLOCKS = [textwrap.dedent(code) for _, code in re.findall(r"^( *)```sh\n(.*?)^\1```", README, re.MULTILINE | re.DOTALL)]
CREATE_DATABASE, INSTALL, START_AUTH, START_TASKS, SIGN_UP, GET_TOKEN, CREATE_TASK, EXPORT = BLOCKS
DATABASE_URL = "postgresql://app:secret@localhost:5432/app"


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """The README's database and user under a name of their own."""
    name = f"app_{secrets.token_hex(4)}"
    statements = [re.sub(r"\bapp\b", name, each) for each in re.findall(r'-c "([^"]+)"', CREATE_DATABASE)]
    assert len(statements) == 2
    with contextlib.closing(psycopg2.connect(postgres_url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        head, _, query = postgres_url.partition("?")
        server = head.rsplit("/", 1)[0].replace("//postgres", f"//{name}:secret", 1)
        yield for_node(f"{server}/{name}?{query}")
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
        cursor.execute(f"DROP ROLE {name}")


@pytest.fixture
def project(node: None, tmp_path: Path) -> Path:
    """A folder like the project's after `npm ci --workspace better-auth-example`."""
    for name in ("package.json", "node_modules", "bench", "clients", "tests"):
        (tmp_path / name).symlink_to(PROJECT / name)
    shutil.copytree(EXAMPLE, tmp_path / "examples" / "better-auth", ignore=shutil.ignore_patterns(".env"))
    return tmp_path


@pytest.fixture
def start(project: Path) -> Iterator[Callable[[str, int], WebServer]]:
    """Runs a script that serves on a port. All are stopped at the end."""
    started: list[WebServer] = []

    def start_server(script: str, port: int) -> WebServer:
        environ = {"PATH": os.environ["PATH"], "HOME": str(project), "PORT": str(port), **PATIENT}
        log = project / f"{len(started)}.log"
        command = ["bash", "-c", script]
        started.append(WebServer(command, log, port=port, cwd=project, environ=environ, new_session=True))
        return started[-1]

    yield start_server
    for server in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.process.pid, signal.SIGTERM)
        server.process.wait(60)


def test_its_commands_lead_to_the_first_task(
    project: Path, database_url: str, start: Callable[[str, int], WebServer]
) -> None:
    auth_port, tasks_port = free_port(), free_port()

    def adapt(script: str) -> str:
        script = script.replace(DATABASE_URL, f"'{database_url}'" if "export" in script else database_url)
        return script.replace("localhost:3001", f"localhost:{auth_port}").replace("8000", str(tasks_port))

    def run(script: str) -> str:
        done = subprocess.run(
            ["bash", "-euc", adapt(script)], cwd=project, capture_output=True, text=True, timeout=180, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    install, settings = INSTALL.split("\n", 1)
    assert install == "npm ci --workspace better-auth-example"
    run(settings)
    start(adapt(START_AUTH), auth_port).wait_until_ready(START_TIMEOUT, "/api/auth/ok")
    serve = f"exec '{sys.executable}' '{PROJECT / 'serve.py'}'"
    tasks = start(adapt(START_TASKS).replace("make run", serve), tasks_port)
    tasks.wait_until_ready()
    issuer = f"http://localhost:{auth_port}"
    unknown = make_signer("EdDSA").sign(claims(iss=issuer, aud=issuer, iat=int(time.time())))
    # 503 until the keys are there: a request waits for them a short time only.
    wait_until(lambda: tasks.call("GET", "/api/tasks", token=unknown).status == 401, "the keys to be downloaded")

    for _ in range(2):  # The second time the account is there already.
        printed = run(SIGN_UP + "echo\n" + GET_TOKEN + "echo\n" + CREATE_TASK).splitlines()
        _, signed_in, created = map(json.loads, printed)
        assert created["data"]["title"] == "Buy milk"
        assert created["data"]["user_id"] == signed_in["user"]["id"]
    assert run(f'{EXPORT}echo "$DATABASE_URL"') == f"{database_url}\n"


def test_its_table_names_every_variable_that_the_example_reads() -> None:
    read = {name for path in EXAMPLE.glob("*.js") for name in re.findall(r"process\.env\.(\w+)", path.read_text())}
    assert read - set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)) == set()

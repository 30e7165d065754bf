"""The oldest supported PostgreSQL and the embedded one, as servers of their own that ask for a password."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from serve import main
from tests.support.processes import PATIENT, PROJECT, START_TIMEOUT, Service, running, without_coverage
from tests.support.servers import PASSWORD, OwnServer, find_debian, find_embedded, own_folder
from tests.support.signing import SECRET, token_for

VERSIONS = {"15": find_debian, "18": find_embedded}

SUITE = (
    "tests/contracts/test_canonical.py",
    "tests/contracts/test_cursors.py",
    "tests/contracts/test_idempotency.py",
    "tests/contracts/test_list_queries.py",
    "tests/contracts/test_persistence.py",
    "tests/contracts/test_query_plans.py",
    "tests/contracts/test_task_limits.py",
)
"""What depends on a server's version: statements and their plans."""


@pytest.fixture(scope="module", params=VERSIONS)
def server(request: pytest.FixtureRequest) -> Iterator[OwnServer]:
    programs = VERSIONS[request.param]()
    with own_folder() as folder:
        server = OwnServer(programs, folder / "server")
        try:
            [(version,)] = server.execute("SHOW server_version_num")
            assert version.startswith(request.param)
            yield server
        finally:
            server.stop()


def test_the_service_starts_migrates_and_serves(server: OwnServer, tmp_path: Path) -> None:
    with running(
        tmp_path / "log", DATABASE_URL=server.url, BETTER_AUTH_SECRET=SECRET, WORKERS="1", **PATIENT
    ) as service:
        created = service.call("POST", "/api/tasks", {"title": "Straße"}, token=token_for("ada"))
        assert created.status == 201
        found = service.call("GET", "/api/tasks?search=STRASSE", token=token_for("ada"))
        assert found.json["data"] == [created.json["data"]]
    assert PASSWORD not in service.output


@pytest.mark.parametrize("server", ["15"], indirect=True)
def test_the_contract_holds_on_the_oldest(server: OwnServer) -> None:
    """All other tests run on the embedded one."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *SUITE],
        cwd=PROJECT,
        # The same tests on the embedded one have their coverage measured.
        env={**without_coverage(), "TEST_DATABASE_URL": server.url},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("password", "reason"),
    [(":wr0ngpass", 'password authentication failed for user "tasks"'), ("", "no password supplied")],
)
def test_a_wrong_password_ends_the_start_at_once(
    server: OwnServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], password: str, reason: str
) -> None:
    environ = {
        "DATABASE_URL": server.url.replace(f":{PASSWORD}", password, 1),
        "BETTER_AUTH_SECRET": SECRET,
        "WORKERS": "1",
    }
    assert main(["--check"], environ) == 1
    checked = capsys.readouterr().out
    assert re.search(f"^database  failed: .*{reason}.*; correct DATABASE_URL", checked, re.MULTILINE), checked
    service = Service(tmp_path / "log", environ)
    with contextlib.ExitStack() as stack:
        stack.callback(service.stop)
        assert service.process.wait(START_TIMEOUT) == 1
    assert re.fullmatch(f"serve.py: DATABASE_URL: .*{reason}.*; correct DATABASE_URL, .*\n", service.output)
    assert "wr0ngpass" not in checked + service.output

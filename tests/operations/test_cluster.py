"""Three instances behind HAProxy, PgBouncer and Redis behave as one service."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from tests.operations.scrape import total
from tests.support.processes import PATIENT, PROJECT, WebServer, without_coverage
from tests.support.programs import find_program
from tests.support.signing import SECRET, token_for
from tests.support.waiting import WAIT_TIMEOUT

LIMIT = 30

READY = re.compile(
    r"^cluster: ready at http://127\.0\.0\.1:(?P<port>\d+), instances at [\d ]+, metrics at (?P<metrics>[\d ]+), "
    r"database (?P<database>\S+), logs in \S+\n",
    re.MULTILINE,
)
"""The line that deploy/cluster.py prints when it is ready."""


class Cluster(WebServer):
    """A running deploy/cluster.py, and the addresses in its line."""

    def __init__(self, directory: Path, **environ: str) -> None:
        super().__init__(
            [sys.executable, PROJECT / "deploy" / "cluster.py"],
            directory / "cluster.log",
            port=0,
            environ={"PATH": os.environ["PATH"], "TMPDIR": str(directory), "BETTER_AUTH_SECRET": SECRET, **environ},
        )

    def wait_for_its_line(self) -> None:
        self.wait_until(lambda: READY.search(self.output), "its line", 240)
        line = READY.search(self.output)
        assert line is not None
        self.port = int(line["port"])
        self.metrics = [int(port) for port in line["metrics"].split()]
        self.database = line["database"]


@contextmanager
def cluster(**environ: str) -> Iterator[Cluster]:
    """A ready cluster, stopped as by Ctrl-C; the path of its files is short enough for a socket."""
    for program in ("haproxy", "pgbouncer", "redis-server"):
        find_program(program)
    with TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o711)
        running = Cluster(directory, **{"BCRYPT_COST": "4", **PATIENT, **environ})
        try:
            running.wait_for_its_line()
            yield running
        finally:
            running.stop(signal.SIGINT, 180)


@pytest.fixture(scope="module")
def limited() -> Iterator[Cluster]:
    """A cluster in which a user has LIMIT calls an hour."""
    with cluster(RATE_LIMIT=f"{LIMIT}/hour") as running:
        yield running


def test_all_instances_read_what_one_writes(limited: Cluster) -> None:
    token = token_for("ada")
    tasks = [limited.call("POST", "/api/tasks", {"title": f"Task {n}"}, token=token).json["data"] for n in range(6)]
    for _ in range(3):
        listed = limited.call("GET", "/api/tasks", token=token).json["data"]
        assert [task["id"] for task in listed] == [task["id"] for task in reversed(tasks)]
    path = f"/api/tasks/{tasks[0]['id']}"
    assert limited.call("PATCH", f"{path}/complete", {"completed": True}, token=token).json["data"]["completed"]
    assert limited.call("DELETE", path, token=token).status == 204
    assert limited.call("GET", path, token=token).status == 404
    assert limited.call("GET", path, token=token_for("bob")).status == 404


def test_a_users_rate_limit_is_shared_by_all_three(limited: Cluster) -> None:
    token = token_for("eager")
    # As many as one instance takes of a user at a time, should all of them meet there: one more is 429 too.
    with ThreadPoolExecutor(4) as pool:
        statuses = Counter(pool.map(lambda _: limited.call("GET", "/api/tasks", token=token).status, range(3 * LIMIT)))
    assert statuses == {200: LIMIT, 429: 2 * LIMIT}
    served = [total(port, "tasks_http_requests_total", route="/api/tasks") for port in limited.metrics]
    assert len(served) == 3
    assert all(served), "one of the three was never asked"
    assert limited.call("GET", "/api/tasks", token=token_for("patient")).status == 200


def test_a_local_account_made_on_one_instance_works_on_all(limited: Cluster) -> None:
    account = {"email": "ada@example.com", "password": "correct horse"}
    assert limited.call("POST", "/auth/register", account).status == 201
    for _ in range(3):
        token = limited.call("POST", "/auth/login", account).json["data"]["token"]
        assert limited.call("GET", "/api/tasks", token=token).status == 200


def test_the_contract_holds_through_the_proxy(tmp_path: Path) -> None:
    # Eight requests of a user at once, which a test may send, must not wait for one another in an instance.
    with cluster(RATE_LIMIT="", AUTH_RATE_LIMIT="", THREADS="16", POOL_SIZE="16") as running:
        environ = {
            **{name: value for name, value in without_coverage().items() if not name.startswith("PYTEST_")},
            "FRONT_DOOR": running.origin,
            "FRONT_DOOR_DATABASE": running.database,
        }
        command = [
            "-m",
            "pytest",
            "-q",
            "-p",
            "tests.operations.front_door",
            "-p",
            "no:cacheprovider",
            "tests/contracts",
        ]
        done = subprocess.run(
            [sys.executable, *command, f"--basetemp={tmp_path}/tests"],
            cwd=PROJECT,
            env=environ,
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    passed = re.findall(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[-1]) > 900, done.stdout[-500:]


def test_ctrl_c_leaves_nothing_behind() -> None:
    with cluster() as running:
        children = psutil.Process(running.process.pid).children(recursive=True)
        assert len(children) >= 6
        assert list(running.log_file.parent.glob("tasks-cluster-*"))
        assert running.stop(signal.SIGINT, 180) == 0, running.output
        assert not list(running.log_file.parent.glob("tasks-cluster-*"))
    _, left = psutil.wait_procs(children, timeout=WAIT_TIMEOUT)
    assert left == []


def test_a_missing_program_is_named() -> None:
    with TemporaryDirectory() as name:
        without = Cluster(Path(name), PATH=str(Path(sys.executable).parent))
        assert without.process.wait(180) == 1
        last = without.output.splitlines()[-1]
        assert last == "cluster: redis-server is not installed: apt install redis-server"

"""The image of Dockerfile: built, run as docs/operating.md says and as compose.yaml does, stopped and killed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.containers.machine import Machine
from tests.support.http import call
from tests.support.waiting import seconds_of, wait_until

START_TIMEOUT = 180.0

CONFINED = [
    "--init",
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--stop-timeout=15",
    "--env=WORKERS=1",
]

# What /proc says of a process that has all of these restrictions.
FACTS = """
import json, os
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
def writable(path):
    try:
        open(path + "/new", "w").close()
    except OSError as ex:
        return ex.strerror
    return "yes"
states = []
for process in os.listdir("/proc"):
    if process.isdigit():
        states.append(open(f"/proc/{process}/stat").read().rpartition(")")[2].split()[0])
print(json.dumps({
    "user": os.getuid(),
    "capabilities": [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
    "no_new_privileges": int(status["NoNewPrivs"]),
    "writable": {path: writable(path) for path in ("/", "/app", "/venv", "/data", "/tmp")},
    "zombies": states.count("Z"),
}))
"""

# What lies in the image besides.
CONTENTS = """
import importlib.util, json, pathlib, sys
sites = pathlib.Path(sys.prefix).glob("lib/python3*/site-packages")
print(json.dumps({
    "pip": [str(path) for site in sites for path in site.glob("pip*")],
    "app": sorted(path.name for path in pathlib.Path(".").iterdir()),
    "uncompiled": [
        str(path) for path in pathlib.Path(".").rglob("*.py")
        if not pathlib.Path(importlib.util.cache_from_source(str(path))).exists()
    ],
}))
"""


class Container:
    """A container of the image on a machine, published at port 8000 of the machine's loopback."""

    def __init__(self, machine: Machine, *options: str) -> None:
        self._machine = machine
        publish = "--publish=127.0.0.1:8000:8000"
        self._id = machine.run("podman", "run", "--detach", publish, *options, "tasks-backend").stdout.strip()

    def podman(self, command: str, *arguments: str, check: bool = True) -> str:
        done = self._machine.run("podman", command, *arguments, self._id, check=check)
        return done.stdout.strip()

    def python(self, program: str) -> str:
        return self._machine.run("podman", "exec", self._id, "python", "-c", program).stdout

    def is_healthy(self) -> bool:
        return self._machine.run("podman", "healthcheck", "run", self._id, check=False).returncode == 0

    def state(self) -> dict[str, Any]:
        return dict(json.loads(self.podman("inspect"))[0]["State"])

    def wait_until_ready(self) -> None:
        def is_ready() -> bool:
            with self._machine.network():
                try:
                    return call(8000, "GET", "/ready").status == 200
                except OSError:
                    return False

        try:
            wait_until(is_ready, "the container to be ready", START_TIMEOUT)
        except AssertionError as ex:
            raise AssertionError(f"{ex}\n{self.podman('logs')}") from None

    def tasks(self, token: str) -> list[str]:
        with self._machine.network():
            response = call(8000, "GET", "/api/tasks", token=token)
        assert response.status == 200, response.text
        return [task["title"] for task in response.json["data"]]


Start = Callable[..., Container]


@pytest.fixture
def start(machine: Machine) -> Iterator[Start]:
    """A function that starts a container with further options; it is removed after the test, with its volumes."""

    def start_container(*options: str) -> Container:
        return Container(machine, *CONFINED, *options)

    yield start_container
    machine.run("podman", "rm", "--all", "--force", "--time=0")
    machine.run("podman", "volume", "rm", "--all", "--force")


def test_runs_confined_keeps_its_data_and_stops_and_recovers(machine: Machine, start: Start) -> None:
    """One container after another on the same named volume: a start of the embedded database takes seconds."""
    container = start("--volume=tasks-data:/data")
    container.wait_until_ready()
    wait_until(container.is_healthy, "the container to be healthy")
    facts = json.loads(container.python(FACTS))
    assert facts["user"] == 10001
    assert facts["capabilities"] == [0, 0, 0, 0, 0]
    assert facts["no_new_privileges"] == 1
    read_only = "Read-only file system"
    assert facts["writable"] == {"/": read_only, "/app": read_only, "/venv": read_only, "/data": "yes", "/tmp": "yes"}
    # It holds only what it needs.
    contents = json.loads(container.python(CONTENTS))
    assert contents == {"pip": [], "app": ["__pycache__", "api", "migrations", "serve.py"], "uncompiled": []}
    with machine.network():
        account = {"email": "ada@example.com", "password": "correct horse"}
        registered = call(8000, "POST", "/auth/register", account)
        assert registered.status == 201, registered.text
        token = registered.json["data"]["token"]
        assert call(8000, "POST", "/api/tasks", {"title": "Survive"}, token=token).status == 201

    # The embedded database goes on after a kill of everything at once.
    for _ in range(2):
        container.podman("kill", "--signal=KILL")
        assert container.podman("wait") == "137"
        assert not container.is_healthy()
        container.podman("start")
        container.wait_until_ready()
        assert container.tasks(token) == ["Survive"]
    # What the database leaves behind when it alone is killed is collected.
    container.python("import os; os.kill(int(open('/data/postgres/postmaster.pid').readline()), 9)")
    wait_until(lambda: "runs again" in container.podman("logs"), "the database to run again", START_TIMEOUT)
    container.wait_until_ready()
    wait_until(lambda: json.loads(container.python(FACTS))["zombies"] == 0, "what has ended to be collected")

    assert any(seconds < 2 for seconds in stops(container))
    container.podman("rm")

    # A new container finds the tasks and the secret that signed the token.
    other = start("--volume=tasks-data:/data")
    other.wait_until_ready()
    assert other.tasks(token) == ["Survive"]


def stops(container: Container) -> Iterator[float]:
    """The seconds of each of a few stops, all of them clean. The machine may be busy during the one or the other."""
    for attempt in range(5):
        if attempt:
            container.podman("start")
            container.wait_until_ready()
        seconds = seconds_of(lambda: container.podman("stop"))
        assert container.state()["ExitCode"] == 0
        yield seconds

"""compose.yaml: started as its first lines say, on stand-ins for the images of others (stand_ins/Containerfile).

Grafana has no stand-in: the tests read its files only (tests/operations/test_dashboard.py).
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.containers.machine import Machine
from tests.support.http import call
from tests.support.processes import PROJECT
from tests.support.programs import find_program
from tests.support.waiting import wait_until

START_TIMEOUT = 300.0
ONE, TWO, REDIS, PROMETHEUS = (f"172.28.0.{number}" for number in (11, 12, 20, 30))


class Compose:
    """The services of compose.yaml in a folder of their own, with the secrets that its first lines make."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.machine = machine
        self.folder = folder
        shutil.copy(PROJECT / "compose.yaml", folder)
        shutil.copytree(PROJECT / "deploy", folder / "deploy")

    def make_secrets(self) -> str:
        """Run the instructions' command; the content of .env."""
        text = (self.folder / "compose.yaml").read_text(encoding="utf-8")
        commands = re.findall(r"^#   ((?:.*\\\n#   )*.*)$", text, re.MULTILINE)
        [command] = [each.replace("\n#", "\n") for each in commands if ".env" in each]
        self.machine.run("sh", "-c", f"cd {self.folder} && {command}")
        return (self.folder / ".env").read_text(encoding="utf-8")

    def up(self, *arguments: str, profiles: tuple[str, ...] = ()) -> None:
        """Start the services from a new shell, which knows nothing but its path."""
        variables = [f"{name}={self.machine.environ[name]}" for name in self.machine.environ if "CONTAINERS_" in name]
        shell = ["env", "-i", "HOME=/nonexistent", f"PATH={self.machine.environ['PATH']}", *variables]
        options = ["--in-pod=false", f"--file={self.folder}/compose.yaml", *(f"--profile={name}" for name in profiles)]
        program = find_program("podman-compose")
        self.machine.run(*shell, program, *options, "up", "-d", "--no-build", *arguments, timeout=600)

    def containers(self) -> dict[str, tuple[str, str]]:
        """The id and the start of each service's container."""
        names = self.machine.run("podman", "ps", "--format={{.Names}}").stdout.split()
        found = json.loads(self.machine.run("podman", "inspect", *names).stdout)
        return {each["Name"].split("_")[1]: (each["Id"], each["State"]["StartedAt"]) for each in found}

    def is_healthy(self, container: str) -> bool:
        return self.machine.run("podman", "healthcheck", "run", container, check=False).returncode == 0

    def logs(self) -> str:
        names = self.machine.run("podman", "ps", "--all", "--format={{.Names}}").stdout.split()
        logs = [self.machine.run("podman", "logs", "--tail=20", name, check=False) for name in names]
        return "\n".join(f"{name}:\n{log.stdout}{log.stderr}" for name, log in zip(names, logs, strict=True))


@pytest.fixture
def compose(machine: Machine, tmp_path: Path) -> Compose:
    return Compose(machine, tmp_path)


def fetch(url: str, token: str = "", body: object = None) -> Any:
    """The parsed body of a response."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=30) as response:
        return json.load(response)


def are_ready() -> bool:
    """Whether both instances are, and the proxy has found that out of one."""
    try:
        return all(fetch(f"http://{host}/ready") for host in (f"{ONE}:8000", f"{TWO}:8000", "127.0.0.1:8080"))
    except OSError:
        return False


def responds(redis: str) -> bool:
    try:
        with socket.create_connection((redis, 6379), timeout=10) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(100) == b"+PONG\r\n"
    except OSError:
        return False


def watched() -> list[str]:
    """The instances that Prometheus could scrape."""
    try:
        found = fetch(f"http://{PROMETHEUS}:9090/api/v1/query?query=up==1")
    except OSError:
        return []
    return sorted(each["metric"]["instance"] for each in found["data"]["result"])


def test_serves_by_two_instances_and_a_second_start_changes_nothing(compose: Compose) -> None:
    machine = compose.machine
    secrets = compose.make_secrets()
    compose.up()
    with machine.network():
        try:
            wait_until(are_ready, "the instances to be ready", START_TIMEOUT)
            account = {"email": "ada@example.com", "password": "correct horse"}
            token = call(8080, "POST", "/auth/register", account).json["data"]["token"]
            made = fetch(f"http://{ONE}:8000/api/tasks", token, {"title": "Made by one"})["data"]
            assert fetch(f"http://{TWO}:8000/api/tasks/{made['id']}", token)["data"] == made
            assert call(8080, "GET", f"/api/tasks/{made['id']}", token=token).json["data"] == made
        except (AssertionError, OSError) as ex:
            raise AssertionError(f"{ex}\n{compose.logs()}") from ex
    started = compose.containers()
    assert set(started) == {"database", "one", "two", "proxy"}
    for container, _ in (started[name] for name in ("database", "one", "two")):
        wait_until(partial(compose.is_healthy, container), "the container to be healthy", START_TIMEOUT)
    # The only volumes are those with names: no container leaves one behind.
    assert machine.run("podman", "volume", "ls", "--quiet").stdout.split() == ["tasks-backend_database"]

    assert compose.make_secrets() == secrets
    compose.up()
    assert compose.containers() == started

    compose.up("redis", "prometheus", profiles=("redis", "monitoring"))
    with machine.network():
        wait_until(lambda: watched() == [f"{ONE}:9464", f"{TWO}:9464"], "Prometheus to scrape both", START_TIMEOUT)
        groups = fetch(f"http://{PROMETHEUS}:9090/api/v1/rules")["data"]["groups"]
        assert sum(len(group["rules"]) for group in groups) > 10
        wait_until(lambda: responds(REDIS), "Redis to respond", START_TIMEOUT)

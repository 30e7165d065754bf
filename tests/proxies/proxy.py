"""HAProxy or nginx with this project's configuration in front of two running instances."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.server.process import PATIENCE, Connection, Process, wait_until
from tests.service import free_port

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


def _replace(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, f"{old!r} must stand in the file once"
    return text.replace(old, new)


def _needed(program: str) -> str:
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin")
    if path is None:
        missing = f"{program} is not installed (Debian: apt-get install {program})"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return path


def haproxy(directory: Path, port: int, instances: list[Process]) -> list[str]:
    """The command that runs deploy/haproxy.cfg on `port`."""
    text = (DEPLOY / "haproxy.cfg").read_text()
    text = _replace(text, "bind :80\n", f"bind 127.0.0.1:{port}\n")
    for number, instance in enumerate(instances, 1):
        text = _replace(text, f"127.0.0.1:800{number}\n", f"127.0.0.1:{instance.port}\n")
    file = directory / "haproxy.cfg"
    file.write_text(text)
    return [_needed("haproxy"), "-db", "-f", str(file)]


def nginx(directory: Path, port: int, instances: list[Process]) -> list[str]:
    """The command that runs deploy/nginx.conf on `port`."""
    text = (DEPLOY / "nginx.conf").read_text()
    text = _replace(text, "\n        listen 80;\n", f"\n        listen 127.0.0.1:{port};\n")
    for number, instance in enumerate(instances, 1):
        text = _replace(text, f"127.0.0.1:800{number} ", f"127.0.0.1:{instance.port} ")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"    {kind}_temp_path {directory / kind};\n" for kind in kinds)
    file = directory / "nginx.conf"
    file.write_text(_replace(text, "http {\n", f"http {{\n{paths}"))
    options = f"daemon off; pid {directory / 'nginx.pid'}; error_log stderr;"
    # The temporary directory of a test is its user's alone.
    options += " user root;" if os.geteuid() == 0 else ""
    return [_needed("nginx"), "-p", str(directory), "-c", str(file), "-g", options]


class Proxy:
    """A running proxy."""

    def __init__(self, command: Callable[..., list[str]], directory: Path, instances: list[Process]) -> None:
        self.port = free_port()
        self._log = directory / "proxy.log"
        with self._log.open("w") as output:
            self._process = subprocess.Popen(
                command(directory, self.port, instances), stdout=output, stderr=subprocess.STDOUT
            )

    def wait_until_it_reaches(self, instances: list[Process]) -> None:
        pids = {instance.pid for instance in instances}
        seen: set[int] = set()
        try:
            wait_until(lambda: seen.add(self._answering()) or pids <= seen, "both instances to be reached", 20)
        except AssertionError as ex:
            raise AssertionError(self._log.read_text()) from ex

    def _answering(self) -> int:
        """The process that answers; 0 while none does."""
        try:
            connection = self.connect()
        except ConnectionRefusedError:
            return 0
        with contextlib.closing(connection):
            answer = connection.get("/echo")
            return int(answer.json["pid"]) if answer.status == 200 else 0

    def connect(self) -> Connection:
        return Connection(self.port)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=PATIENCE)

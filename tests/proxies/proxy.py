"""HAProxy or nginx with this project's configuration in front of two running instances."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.server.process import PATIENCE, Answer, Connection, wait_until
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


def haproxy(directory: Path, port: int, instances: Sequence[int]) -> list[str]:
    """The command that runs deploy/haproxy.cfg on `port`."""
    text = (DEPLOY / "haproxy.cfg").read_text()
    text = _replace(text, "bind :80\n", f"bind 127.0.0.1:{port}\n")
    for number, instance in enumerate(instances, 1):
        text = _replace(text, f"127.0.0.1:800{number}\n", f"127.0.0.1:{instance}\n")
    file = directory / "haproxy.cfg"
    file.write_text(text)
    return [_needed("haproxy"), "-db", "-f", str(file)]


def nginx(directory: Path, port: int, instances: Sequence[int]) -> list[str]:
    """The command that runs deploy/nginx.conf on `port`."""
    text = (DEPLOY / "nginx.conf").read_text()
    text = _replace(text, "\n        listen 80;\n", f"\n        listen 127.0.0.1:{port};\n")
    for number, instance in enumerate(instances, 1):
        text = _replace(text, f"127.0.0.1:800{number} ", f"127.0.0.1:{instance} ")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"    {kind}_temp_path {directory / kind};\n" for kind in kinds)
    file = directory / "nginx.conf"
    file.write_text(_replace(text, "http {\n", f"http {{\n{paths}"))
    options = f"daemon off; pid {directory / 'nginx.pid'}; error_log stderr;"
    # The temporary directory of a test is its user's alone.
    options += " user root;" if os.geteuid() == 0 else ""
    return [_needed("nginx"), "-p", str(directory), "-c", str(file), "-g", options]


COMMANDS: Final = {"haproxy": haproxy, "nginx": nginx}


class Proxy:
    """A running proxy in front of what listens on two ports."""

    def __init__(self, name: str, directory: Path, instances: Sequence[int]) -> None:
        self.name = name
        self.port = free_port()
        self._log = directory / "proxy.log"
        with self._log.open("w") as output:
            self._process = subprocess.Popen(
                COMMANDS[name](directory, self.port, instances), stdout=output, stderr=subprocess.STDOUT
            )

    def wait_until_it_serves(self, path: str) -> None:
        """Return when the path is answered with 200 through it."""
        wait_until(lambda: self.get(path).status == 200, f"{path} to be served: {self._log.read_text()}", 20)

    def get(self, path: str) -> Answer:
        """The answer on a connection of its own; 503 while the proxy itself is not there."""
        try:
            connection = self.connect()
        except ConnectionRefusedError:
            return Answer(503, {}, b"")
        with contextlib.closing(connection):
            return connection.get(path)

    def connect(self) -> Connection:
        return Connection(self.port)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=PATIENCE)

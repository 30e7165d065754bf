"""HAProxy or nginx with this project's configuration in front of two running instances."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from tests.support.http import Connection, Response
from tests.support.ports import free_port
from tests.support.processes import PROJECT, WebServer
from tests.support.programs import find_program

DEPLOY = PROJECT / "deploy"
Edit: TypeAlias = Callable[[str], str]
"""A change to the text of a configuration."""


def replace(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, f"{old!r} must stand in the file once"
    return text.replace(old, new)


def haproxy(directory: Path, port: int, instances: Sequence[int], edit: Edit = str) -> list[str]:
    """The command that runs deploy/haproxy.cfg on `port`."""
    text = edit((DEPLOY / "haproxy.cfg").read_text())
    text = replace(text, "bind :80\n", f"bind 127.0.0.1:{port}\n")
    # An instance that waits for a core on a busy machine is not down.
    text = replace(text, "    timeout check 2s\n", "    timeout check 30s\n")
    for number, instance in enumerate(instances, 1):
        text = replace(text, f"127.0.0.1:800{number}\n", f"127.0.0.1:{instance}\n")
    file = directory / "haproxy.cfg"
    file.write_text(text)
    return [find_program("haproxy"), "-db", "-f", str(file)]


def nginx(directory: Path, port: int, instances: Sequence[int], edit: Edit = str) -> list[str]:
    """The command that runs deploy/nginx.conf on `port`."""
    text = edit((DEPLOY / "nginx.conf").read_text())
    text = replace(text, "\n        listen 80;\n", f"\n        listen 127.0.0.1:{port};\n")
    for number, instance in enumerate(instances, 1):
        text = replace(text, f"127.0.0.1:800{number} ", f"127.0.0.1:{instance} ")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"    {kind}_temp_path {directory / kind};\n" for kind in kinds)
    file = directory / "nginx.conf"
    file.write_text(replace(text, "http {\n", f"http {{\n{paths}"))
    options = f"daemon off; pid {directory / 'nginx.pid'}; error_log stderr;"
    # Only its user can access the temporary directory of a test.
    options += " user root;" if os.geteuid() == 0 else ""
    return [find_program("nginx"), "-p", str(directory), "-c", str(file), "-g", options]


COMMANDS: Final = {"haproxy": haproxy, "nginx": nginx}


class Proxy(WebServer):
    """A running proxy in front of two ports."""

    def __init__(self, name: str, directory: Path, instances: Sequence[int], edit: Edit = str) -> None:
        self.name = name
        port = free_port()
        super().__init__(COMMANDS[name](directory, port, instances, edit), directory / "proxy.log", port=port)

    def get(self, path: str) -> Response:
        """The response on a new connection; 503 while the proxy itself does not accept connections."""
        try:
            connection = self.connect()
        except ConnectionRefusedError:
            return Response(503, {}, b"")
        with contextlib.closing(connection):
            return connection.get(path)

    def connect(self) -> Connection:
        return Connection(self.port)

    def pid_behind(self) -> int:
        """The process id of the instance that responds; 0 if none does."""
        response = self.get("/echo")
        return int(response.json["pid"]) if response.status == 200 else 0

"""Starts the real `serve.py` and talks to it over a real socket."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

PROJECT = Path(__file__).resolve().parent.parent
START_DEADLINE = 30.0


class Answer(NamedTuple):
    """What came back over the socket."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Service:
    """A running `serve.py`; `output` is its log so far."""

    def __init__(self, log: Path, environ: dict[str, str], *, options: tuple[str, ...] = ()) -> None:
        self.port = int(environ["PORT"]) if environ.get("PORT", "").isdigit() else free_port()
        self.log = log
        inherited = {
            name: os.environ[name]
            for name in ("PATH", "HOME", "TMPDIR", "COVERAGE_PROCESS_CONFIG")
            if name in os.environ
        }
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                [sys.executable, str(PROJECT / "serve.py"), *options],
                env={**inherited, "LOG_FORMAT": "json", "PORT": str(self.port), **environ},
                cwd=log.parent,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines whose event is `name`."""
        lines = [json.loads(line) for line in self.output.splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == name]

    def wait_for_event(self, name: str, deadline: float = 10) -> dict[str, Any]:
        """The first log line whose event is `name`, as soon as it stands in the log."""
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            if found := self.events(name):
                return found[0]
            time.sleep(0.02)
        raise AssertionError(f"no {name} within {deadline} s\n{self.output}")

    def wait_until_ready(self, deadline: float = START_DEADLINE) -> None:
        """Return when /ready says so; fails when the process ends or time is up."""
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            assert self.process.poll() is None, self.output
            with contextlib.suppress(OSError):
                if self.call("GET", "/ready").status == 200:
                    return
            time.sleep(0.02)
        raise AssertionError(f"not ready within {deadline} s\n{self.output}")

    def call(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, timeout: float = 10, **headers: str
    ) -> Answer:
        """One request; `body` is sent as JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"http://127.0.0.1:{self.port}{path}", data=data, method=method, headers=headers)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urlopen(request, timeout=timeout) as response:
                return Answer(response.status, lower(response.headers), response.read())
        except HTTPError as ex:
            with ex:
                return Answer(ex.code, lower(ex.headers), ex.read())

    def workers(self) -> list[int]:
        """The process ids of its workers; the first is the oldest."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def stop(self, number: int = signal.SIGTERM, timeout: float = 20) -> int:
        """Signal the service and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout)


def lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@contextlib.contextmanager
def running(log: Path, **environ: str) -> Iterator[Service]:
    """A service that is ready, stopped at the end."""
    service = Service(log, environ)
    try:
        service.wait_until_ready()
        yield service
    finally:
        service.stop()

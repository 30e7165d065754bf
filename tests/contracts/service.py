"""The real process on a free port, for tests that need one: started, asked over a socket, stopped, its log read."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 30.0


@dataclass
class Answer:
    """What came back: header names in lower case, `json` None for a body that is none."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text) if self.text else None


class Service:
    """serve.py with these settings; ready when the constructor returns."""

    def __init__(self, directory: Path, **environ: str) -> None:
        self.port = _free_port()
        self._log = directory / f"service-{self.port}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(ROOT / "serve.py")],
                cwd=directory,
                env={"PATH": os.environ["PATH"], **environ, "PORT": str(self.port)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise

    @property
    def log(self) -> str:
        """All that it has printed so far."""
        return self._log.read_text(encoding="utf-8")

    def call(
        self,
        method: str,
        path: str,
        token: str | None = None,
        body: object = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request on a connection of its own; `body` is bytes, or what is sent as JSON."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if body is not None and not isinstance(body, bytes):
            sent.setdefault("Content-Type", "application/json")
            body = json.dumps(body)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            connection.request(method, path, body, sent)  # type: ignore[arg-type]
            response = connection.getresponse()
            fields = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, fields, response.read().decode())
        finally:
            connection.close()

    def stop(self) -> int:
        """Ask it to end, and return its exit status."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=DEADLINE)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + DEADLINE
        while True:
            assert self._process.poll() is None, self.log
            try:
                if self.call("GET", "/ready").status == http.HTTPStatus.OK:
                    return
            except OSError:
                pass
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

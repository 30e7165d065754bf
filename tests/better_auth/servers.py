"""The real Better Auth server of examples/better-auth as a process, and calls to it. serve.py is tests/service.py."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.service import PROJECT, Answer, free_port, lower

EXAMPLE = PROJECT / "examples" / "better-auth"
START_DEADLINE = 60.0


class AuthServer:
    """Can be stopped and started again on its port; `environ` are settings of the example."""

    def __init__(self, log: Path, database_url: str, **environ: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.jwks_url = f"{self.url}/api/auth/jwks"
        self._log = log
        self._environ = {
            "PATH": os.environ["PATH"],
            "PORT": str(port),
            "DATABASE_URL": for_node(database_url),
            "BETTER_AUTH_URL": self.url,
            "BETTER_AUTH_SECRET": "a secret that only Better Auth itself knows",
            **environ,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["node", "server.js"],
                cwd=EXAMPLE,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_DEADLINE
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            process.terminate()
            process.wait(20)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request, as from a page of the server's own origin."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.url + path, data, {"Origin": self.url, **headers}, method=method)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with urlopen(request, timeout=30) as response:
                return Answer(response.status, lower(response.headers), response.read())
        except HTTPError as ex:
            with ex:
                return Answer(ex.code, lower(ex.headers), ex.read())

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self.call("GET", "/api/auth/ok").status == 200
        return False


def for_node(database_url: str) -> str:
    """The URL as node's driver takes it: that of a socket needs a host name too, which is not used."""
    return database_url.replace("@:", "@localhost:")

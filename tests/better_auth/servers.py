"""The real Better Auth server of examples/better-auth as a process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.support.http import Response
from tests.support.ports import free_port
from tests.support.processes import PROJECT, WebServer
from tests.support.programs import missing

EXAMPLE = PROJECT / "examples" / "better-auth"
START_TIMEOUT = 120.0

PATIENCE = "from api.jose import jwks; jwks.MAX_WAIT = 15.0"
"""For the task service. By default a request waits 1.5 s for a new key, which may be too short on a busy machine."""


def require_node() -> None:
    """Without node and the npm workspace, tests of Better Auth fail in CI and are skipped elsewhere."""
    if not shutil.which("node") or not (PROJECT / "node_modules" / "better-auth").is_dir():
        missing("needs node 20 and the npm workspace: run `npm ci` in the project's root")


class AuthServer(WebServer):
    """Ready after construction; can be stopped and started again. `environ` holds settings of the example."""

    def __init__(self, log: Path, database_url: str, **environ: str) -> None:
        port = free_port()
        settings = {
            "PATH": os.environ["PATH"],
            "PORT": str(port),
            "DATABASE_URL": for_node(database_url),
            "BETTER_AUTH_URL": f"http://127.0.0.1:{port}",
            "BETTER_AUTH_SECRET": "a secret that only Better Auth itself knows",
            **environ,
        }
        super().__init__(["node", "server.js"], log, port=port, cwd=EXAMPLE, environ=settings)
        self.jwks_url = f"{self.origin}/api/auth/jwks"

    def start(self) -> None:
        super().start()
        self.wait_until_ready(START_TIMEOUT, "/api/auth/ok")

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30,
    ) -> Response:
        """One request, as from a page of the server's own origin."""
        fields = {"Origin": self.origin, **(headers or {})}
        return super().call(method, path, body, token=token, headers=fields, timeout=timeout)


def for_node(database_url: str) -> str:
    """The URL for node's driver. It requires a host name, which it ignores, even in the URL of a socket."""
    return database_url.replace("@:", "@localhost:")

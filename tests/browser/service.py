"""A running service for the browser: `serve.py` as a process of its own, and its API called beside the page."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
PASSWORD: Final = "correct horse battery"
START_DEADLINE: Final = 60.0


class Service:
    """One `serve.py`; `environ` are its settings. `log` is where it writes."""

    def __init__(self, log: Path, **environ: str) -> None:
        self.port = _free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        settings = {"PORT": str(self.port), "WORKERS": "1", "BCRYPT_COST": "4", "AUTH_RATE_LIMIT": ""}
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, str(ROOT / "serve.py")],
                env={**inherited, **settings, **environ, "PYTHONPATH": str(ROOT)},
                cwd=log.parent,  # no developer's .env
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._await_ready(log)

    def _await_ready(self, log: Path) -> None:
        deadline = time.monotonic() + START_DEADLINE
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._is_ready():
                return
            time.sleep(0.1)
        self.stop()
        raise AssertionError(f"the service did not start:\n{log.read_text()[-2000:]}")

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.origin}/ready", timeout=2):
                return True
        except OSError:
            return False

    def stop(self) -> None:
        """End the service as an operator does; the second time nothing happens."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)

    def sign_up(self, name: str | None = None) -> Account:
        """A new user with an account, made through the API."""
        email = f"{uuid.uuid4().hex[:12]}@example.com"
        fields = {"email": email, "password": PASSWORD, **({"name": name} if name else {})}
        data = self.call("POST", "/auth/register", fields)["data"]
        return Account(self, email, data["token"])

    def call(self, method: str, path: str, body: Any = None, token: str | None = None) -> Any:
        """One call; the decoded body, or None. Raises urllib.error.HTTPError for a refusal."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.origin + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None


class Account:
    """A user of the service, acting through the API as another device would."""

    def __init__(self, service: Service, email: str, token: str) -> None:
        self._service = service
        self.email = email
        self.token = token

    def make_task(self, title: str, **fields: Any) -> dict[str, Any]:
        """Create a task; the task as the API answers it."""
        task: dict[str, Any] = self.call("POST", "/api/tasks", {"title": title, **fields})["data"]
        return task

    def tasks(self) -> list[dict[str, Any]]:
        """All tasks, newest first."""
        data: list[dict[str, Any]] = self.call("GET", "/api/tasks")["data"]
        return data

    def titles(self) -> list[str]:
        """The titles of all tasks, newest first."""
        return [task["title"] for task in self.tasks()]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call with the user's token."""
        return self._service.call(method, path, body, self.token)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port

"""The application is plain WSGI: granian runs it too, with the same settings from the environment."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import SECRET, token_for
from tests.operations.programs import missing
from tests.server.process import wait_until
from tests.service import PROJECT, Service, free_port

ACCOUNT = {"email": "ada@example.com", "password": "correct horse"}


class Granian:
    """`serve:application` under granian, ready when this is made."""

    def __init__(self, directory: Path, **environ: str) -> None:
        self.port = free_port()
        self.log = directory / "granian.log"
        # A worker of granian's that is told to stop while it starts does not hear it.
        options = f"--interface wsgi --factory --workers 2 --workers-kill-timeout 5 --port {self.port}"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "granian", *options.split(), "--working-dir", str(PROJECT), "serve:application"],
                cwd=directory,
                env={"PATH": os.environ["PATH"], "LOG_FORMAT": "json", **environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_until(self._is_ready, "granian to be ready", 30)
        except AssertionError:
            self.stop()
            raise AssertionError(self.log.read_text()) from None

    call = Service.call

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError):
            return self.call("GET", "/ready", timeout=5).status == 200
        return False

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(20)


@pytest.fixture(scope="module")
def granian(create_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Granian]:
    if importlib.util.find_spec("granian") is None:
        missing("granian is not installed: pip install granian")
    environ = {"DATABASE_URL": create_database(), "BETTER_AUTH_SECRET": SECRET, "BCRYPT_COST": "4"}
    running = Granian(tmp_path_factory.mktemp("granian"), **environ)
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


def test_an_account_is_made_and_its_tasks_are_its_own(granian: Granian) -> None:
    registered = granian.call("POST", "/auth/register", ACCOUNT)
    assert registered.status == 201
    token = registered.json["data"]["token"]

    created = granian.call("POST", "/api/tasks", {"title": "Buy groceries"}, token=token)
    assert created.status == 201
    path = created.headers["location"]
    completed = granian.call("PATCH", f"{path}/complete", token=token)
    assert completed.json["data"]["completed"] is True
    assert granian.call("GET", "/api/tasks", token=token).json == {"data": [completed.json["data"]]}

    assert granian.call("GET", path, token=token_for("bob")).status == 404
    assert granian.call("DELETE", path, token=token).status == 204
    assert granian.call("GET", "/api/tasks", token=token).json == {"data": []}


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/nowhere", (404, "NOT_FOUND")),
        ("PUT", "/api/tasks/seven", (422, "VALIDATION_ERROR")),
        ("POST", "/api/tasks", (400, "MALFORMED_JSON")),
        ("DELETE", "/api/tasks", (405, "METHOD_NOT_ALLOWED")),
        ("GET", "/api/tasks/99999999999999999999", (404, "NOT_FOUND")),
    ],
)
def test_errors_have_the_envelope(granian: Granian, method: str, path: str, expected: tuple[int, str]) -> None:
    answer = granian.call(method, path, token=token_for("ada"))
    assert (answer.status, answer.json["error"]["code"]) == expected
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]


def test_who_calls_without_a_token_is_told_so(granian: Granian) -> None:
    answer = granian.call("GET", "/api/tasks")
    assert (answer.status, answer.json["error"]["code"]) == (401, "UNAUTHORIZED")
    assert answer.headers["www-authenticate"] == "Bearer"

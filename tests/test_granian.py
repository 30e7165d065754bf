"""The application is plain WSGI: granian runs it with the same settings from the environment."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.support.ports import free_port
from tests.support.processes import PATIENT, PROJECT, UNLIMITED, WebServer
from tests.support.programs import missing
from tests.support.signing import token_for

ACCOUNT = {"email": "ada@example.com", "password": "correct horse"}


@pytest.fixture(scope="module")
def granian(create_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """`serve:application` under granian."""
    if importlib.util.find_spec("granian") is None:
        missing("granian is not installed: pip install granian")
    directory = tmp_path_factory.mktemp("granian")
    port = free_port()
    # A granian worker ignores a stop signal while it starts.
    options = f"--interface wsgi --factory --workers 2 --workers-kill-timeout 5 --port {port}"
    server = WebServer(
        [sys.executable, "-m", "granian", *options.split(), "--working-dir", PROJECT, "serve:application"],
        directory / "granian.log",
        port=port,
        cwd=directory,
        environ={
            "PATH": os.environ["PATH"],
            "LOG_FORMAT": "json",
            "DATABASE_URL": create_database(),
            **UNLIMITED,
            **PATIENT,
        },
    )
    server.wait_until_ready()
    yield server
    assert server.stop() == 0
    assert "Traceback" not in server.output


def test_an_account_is_created_and_sees_only_its_own_tasks(granian: WebServer) -> None:
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
def test_errors_have_the_envelope(granian: WebServer, method: str, path: str, expected: tuple[int, str]) -> None:
    response = granian.call(method, path, token=token_for("ada"))
    assert (response.status, response.json["error"]["code"]) == expected
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"]


def test_a_call_without_a_token_is_401(granian: WebServer) -> None:
    response = granian.call("GET", "/api/tasks")
    assert (response.status, response.json["error"]["code"]) == (401, "UNAUTHORIZED")
    assert response.headers["www-authenticate"] == "Bearer"

"""The MCP server of examples/mcp with a real MCP client: what an assistant can do for its user, and for nobody else."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.ports import free_port
from tests.support.processes import PROJECT, UNLIMITED, Service, WebServer, running
from tests.support.programs import missing
from tests.support.signing import token_for

EXAMPLE = PROJECT / "examples" / "mcp"
PYTHON = EXAMPLE / ".venv" / "bin" / "python"
START_TIMEOUT = 180.0


class Session:
    """An MCP client. `tools` are those that the server offers."""

    def __init__(self, *arguments: str, **environ: str) -> None:
        command = [str(PYTHON), str(Path(__file__).parent / "mcp_session.py"), *arguments]
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.tools: list[dict[str, Any]] = self._read()

    def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        """Call a tool; `failed`, `text` and the structured `body` of its result."""
        assert self._process.stdin is not None
        print(json.dumps([tool, arguments]), file=self._process.stdin, flush=True)
        result: dict[str, Any] = self._read()
        return result

    def do(self, tool: str, **arguments: object) -> Any:
        """Call a tool that must succeed; the `data` of its result."""
        result = self.call(tool, **arguments)
        assert not result["failed"], result
        return result["body"]["data"]

    def end(self) -> None:
        try:
            self._process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self._process.communicate(timeout=20)[1]
        return json.loads(line)


@pytest.fixture(scope="module")
def service(create_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    log = tmp_path_factory.mktemp("mcp") / "service.log"
    with running(log, DATABASE_URL=create_database(), WORKERS="1", **UNLIMITED) as service:
        yield service


@pytest.fixture(scope="module")
def server(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """The MCP server over HTTP. A token in its own environment must not serve anybody."""
    if not PYTHON.exists():
        missing("needs the environment of examples/mcp: the first two commands of its README")
    port = free_port()
    environ = {**os.environ, "TASKS_URL": service.origin, "PORT": str(port), "TASKS_TOKEN": token_for("somebody-else")}
    log = tmp_path_factory.mktemp("mcp") / "server.log"
    server = WebServer([PYTHON, "server.py", "http"], log, port=port, cwd=EXAMPLE, environ=environ)
    server.wait_until(lambda: "Uvicorn running" in server.output, "it to listen", START_TIMEOUT)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def connect(server: WebServer) -> Iterator[Callable[..., Session]]:
    """Opens a session over HTTP with a token, or with none."""
    with contextlib.ExitStack() as stack:

        def open_session(*token: str) -> Session:
            session = Session(f"{server.origin}/mcp", *token)
            stack.callback(session.end)
            return session

        yield open_session


@pytest.fixture(scope="module")
def ada(connect: Callable[..., Session]) -> Session:
    return connect(token_for("ada"))


def test_an_assistant_adds_lists_changes_completes_and_deletes_tasks(ada: Session) -> None:
    created = ada.do("createTask", title="Buy milk", due_date="2026-03-01")
    assert (created["user_id"], created["completed"]) == ("ada", False)
    assert ada.do("listTasks", status="pending", search="milk") == [created]
    one = {"task_id": created["id"]}
    assert ada.do("completeTask", **one, completed=True)["completed"] is True
    assert ada.do("updateTask", **one, title="Buy oats")["completed"] is True
    assert ada.do("getTask", **one)["title"] == "Buy oats"
    assert not ada.call("deleteTask", **one)["failed"]
    assert ada.do("listTasks") == []


def test_another_users_task_is_refused(ada: Session, connect: Callable[..., Session], service: Service) -> None:
    task_id = ada.do("createTask", title="Secret")["id"]
    bob = connect(token_for("bob"))
    attempts: dict[str, dict[str, object]] = {
        "getTask": {},
        "updateTask": {"title": "Mine"},
        "completeTask": {"completed": True},
        "deleteTask": {},
    }
    for tool, arguments in attempts.items():
        refused = bob.call(tool, task_id=task_id, **arguments)
        assert refused["failed"], tool
        assert "NOT_FOUND" in refused["text"]
        assert "Secret" not in refused["text"]
    assert bob.do("listTasks") == []
    [kept] = service.call("GET", "/api/tasks", token=token_for("ada")).json["data"]
    assert (kept["title"], kept["completed"]) == ("Secret", False)


def test_without_a_token_nothing_is_served(connect: Callable[..., Session]) -> None:
    refused = connect().call("listTasks")
    assert refused["failed"]
    assert "UNAUTHORIZED" in refused["text"]


def test_an_error_is_passed_on_in_the_services_words(ada: Session) -> None:
    refused = ada.call("createTask", title=" ")
    assert refused["failed"]
    assert "Title is required" in refused["text"]


def test_the_tools_are_few_and_say_what_they_do(ada: Session) -> None:
    tools = {tool["name"]: tool for tool in ada.tools}
    assert set(tools) == {"listTasks", "createTask", "getTask", "updateTask", "completeTask", "deleteTask"}
    assert {name for name, tool in tools.items() if tool["reads"]} == {"listTasks", "getTask"}
    assert {name for name, tool in tools.items() if tool["deletes"]} == {"deleteTask"}
    assert tools["completeTask"]["description"].startswith("Complete or reopen a task. ")
    assert tools["getTask"]["parameters"] == ["task_id"]
    assert tools["updateTask"]["parameters"] == ["completed", "description", "due_date", "task_id", "title"]


def test_over_stdio_the_server_acts_for_its_one_user(server: WebServer, service: Service) -> None:
    environ = {"TASKS_URL": service.origin, "TASKS_TOKEN": token_for("grace")}
    grace = Session("--stdio", str(EXAMPLE / "server.py"), **environ)
    try:
        assert grace.do("createTask", title="Buy milk")["user_id"] == "grace"
    finally:
        grace.end()

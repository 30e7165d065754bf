"""Checks, before measuring, that a service responds as the scenarios expect."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any

from bench.dataset import GROUPS, token_for
from bench.running import Running, tail

FIELDS = {"id", "user_id", "title", "description", "completed", "due_date", "created_at", "updated_at"}

ROWS = GROUPS[:1]
"""The rows that `check` needs."""


class ContractBroken(Exception):
    """A response is not what the scenarios expect. The message names the request and the response."""


def check(running: Running, secret: str) -> None:
    """Create, get, toggle, list and delete a task, and expect 404 for another user's. Raises ContractBroken."""
    try:
        _check(running.port, secret)
    except ContractBroken as ex:
        raise ContractBroken(f"{running.service.title}: {ex}\n{tail(running.log)}") from ex


def _check(port: int, secret: str) -> None:
    owner, other = GROUPS[0].user_id(0), GROUPS[0].user_id(1)
    call = _caller(port, token_for(owner, secret))
    foreign = _caller(port, token_for(other, secret))
    anonymous = _caller(port, None)

    created = call("POST", "/api/tasks", 201, {"title": "Check", "due_date": "2026-06-01T09:00:00Z"})["data"]
    path = f"/api/tasks/{created['id']}"
    _expect(set(created) == FIELDS, f"a created task has the fields {sorted(created)}")
    _expect(created["user_id"] == owner and created["completed"] is False, f"a created task is {created}")
    _expect(call("GET", path, 200)["data"] == created, "a task read differs from the task created")
    _expect(call("PATCH", f"{path}/complete", 200)["data"]["completed"] is True, "a toggle does not set completed")
    tasks = call("GET", "/api/tasks", 200)["data"]
    _expect(len(tasks) == GROUPS[0].tasks_each + 1, f"a list has {len(tasks)} tasks")
    _expect(tasks[0]["id"] == created["id"], "the newest task is not first")
    _expect(all(set(task) == FIELDS for task in tasks), "a task in the list has other fields")
    foreign("GET", path, 404)
    foreign("PATCH", f"{path}/complete", 404)
    foreign("DELETE", path, 404)
    anonymous("GET", path, 401)
    call("POST", "/api/tasks", 422, {"title": ""}, others=(400,))
    call("DELETE", path, 204)
    call("GET", path, 404)


def _expect(holds: bool, message: str) -> None:
    if not holds:
        raise ContractBroken(message)


def _caller(port: int, token: str | None) -> Callable[..., Any]:
    def call(method: str, path: str, status: int, body: object = None, others: tuple[int, ...] = ()) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        _expect(response.status in (status, *others), f"{method} {path}: {response.status} {content[:200]!r}")
        return json.loads(content) if content else None

    return call

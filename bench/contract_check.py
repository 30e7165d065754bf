"""Before anything is measured: does the service answer as the scenarios expect?"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any

from bench.dataset import GROUPS, token_for
from bench.running import Running, tail

FIELDS = {"id", "user_id", "title", "description", "completed", "due_date", "created_at", "updated_at"}


class ContractBroken(Exception):
    """An answer is not what the scenarios need; the message names call and answer."""


def check(running: Running, secret: str) -> None:
    """Create, get, toggle, list, another user's 404, delete. Leaves no task behind. Raises ContractBroken."""
    try:
        _check(running.port, secret)
    except ContractBroken as ex:
        raise ContractBroken(f"{running.service.title}: {ex}\n{tail(running.log)}") from ex


def _check(port: int, secret: str) -> None:
    owner, other = GROUPS[0].user_id(0), GROUPS[0].user_id(1)
    call = _caller(port, token_for(owner, secret))
    foreign = _caller(port, token_for(other, secret))
    nobody = _caller(port, None)

    created = call("POST", "/api/tasks", 201, {"title": "Check", "due_date": "2026-06-01T09:00:00Z"})["data"]
    path = f"/api/tasks/{created['id']}"
    _expect(set(created) == FIELDS, f"fields of a task are {sorted(created)}")
    _expect(created["user_id"] == owner and created["completed"] is False, f"created {created}")
    _expect(call("GET", path, 200)["data"] == created, "a task reads back other than it was created")
    _expect(call("PATCH", f"{path}/complete", 200)["data"]["completed"] is True, "toggle does not toggle")
    tasks = call("GET", "/api/tasks", 200)["data"]
    _expect(len(tasks) == GROUPS[0].tasks_each + 1, f"a list of {len(tasks)}")
    _expect(tasks[0]["id"] == created["id"], "the newest task is not first")
    _expect(all(set(task) == FIELDS for task in tasks), "a task of the list lacks fields")
    foreign("GET", path, 404)
    foreign("PATCH", f"{path}/complete", 404)
    foreign("DELETE", path, 404)
    nobody("GET", path, 401)
    call("POST", "/api/tasks", 422, {"title": ""}, others=(400,))
    call("DELETE", path, 204)
    call("GET", path, 404)


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ContractBroken(otherwise)


def _caller(port: int, token: str | None) -> Callable[..., Any]:
    def call(method: str, path: str, status: int, body: object = None, others: tuple[int, ...] = ()) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        _expect(answer.status in (status, *others), f"{method} {path}: {answer.status} {content[:200]!r}")
        return json.loads(content) if content else None

    return call

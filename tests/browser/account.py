"""A user with an account, who calls the API as another device would."""

from __future__ import annotations

import uuid
from typing import Any, Final

from tests.support.processes import Service

PASSWORD: Final = "correct horse battery"


class Account:
    """A new account; `token` is the token of the registration."""

    def __init__(self, service: Service, name: str | None = None) -> None:
        self._service = service
        self.email = f"{uuid.uuid4().hex[:12]}@example.com"
        fields = {"email": self.email, "password": PASSWORD, **({"name": name} if name else {})}
        response = service.call("POST", "/auth/register", fields)
        assert response.status == 201, response
        self.token: str = response.json["data"]["token"]

    def log_in_again(self) -> Account:
        """Replace the token, which may have expired; the account itself, to go on with."""
        fields = {"email": self.email, "password": PASSWORD}
        self.token = self._service.call("POST", "/auth/login", fields).json["data"]["token"]
        return self

    def make_task(self, title: str, **fields: Any) -> dict[str, Any]:
        """Create a task and return it as the API does."""
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
        """Make a call that must succeed; its parsed body."""
        response = self._service.call(method, path, body, token=self.token)
        assert response.status < 400, response
        return response.json

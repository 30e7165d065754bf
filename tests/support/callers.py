"""Callers of the application in the tests' own process, and a check of error responses."""

from __future__ import annotations

from typing import Any

from falcon.testing import Result, TestClient


class Caller:
    """Calls the application as one user, or without a token."""

    def __init__(self, client: TestClient, user_id: str | None, token: str | None) -> None:
        self._client = client
        self.user_id = user_id
        self.token = token

    def __call__(self, method: str, path: str, body: Any = None, /, **options: Any) -> Result:
        """Send one request; `body` is sent as JSON, `options` are those of Falcon's simulate_request."""
        headers = dict(options.pop("headers", None) or {})
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        if body is not None:
            options["json"] = body
        result: Result = self._client.simulate_request(method, path, headers=headers, **options)
        return result

    def make_task(self, title: str = "Buy milk", /, **fields: Any) -> dict[str, Any]:
        """Create a task and return it as the API does."""
        result = self("POST", "/api/tasks", {"title": title, **fields})
        assert result.status_code == 201, result.text
        task: dict[str, Any] = result.json["data"]
        return task

    def titles(self, **query: str) -> list[str]:
        """The titles of a list, in its order."""
        result = self("GET", "/api/tasks", params=query)
        assert result.status_code == 200, result.text
        return [task["title"] for task in result.json["data"]]


def error_of(result: Result) -> tuple[int, str]:
    """Check the envelope of an error response; its status and code."""
    assert result.headers["content-type"] == "application/json", result.headers
    assert set(result.json) == {"error"}, result.text
    assert set(result.json["error"]) <= {"code", "message", "details"}
    assert result.headers["x-request-id"]
    return result.status_code, result.json["error"]["code"]

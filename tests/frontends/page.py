"""A frontend's own calls: what it sends, and the status that it expects."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from falcon.testing import TestClient

from tests.support.http import call


class Reply(NamedTuple):
    """A response; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Send = Callable[[str, str, Mapping[str, str], bytes | None], Reply]


def through_client(client: TestClient) -> Send:
    """Sends to an application in this process."""

    def send(method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        path, _, query = path.partition("?")
        result = client.simulate_request(method, path, query_string=query, headers=dict(headers), body=body)
        return Reply(
            result.status_code, {name.lower(): value for name, value in result.headers.items()}, result.content
        )

    return send


def through_socket(port: int) -> Send:
    """Sends to a service on this port."""

    def send(method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        response = call(port, method, path, body, headers=headers)
        return Reply(response.status, response.headers, response.body)

    return send


class Page:
    """A page that sends `Content-Type: application/json` with every call, as fetch wrappers do, body or not."""

    def __init__(self, send: Send, token: str | None = None) -> None:
        self._send = send
        self.token = token
        self.headers: dict[str, str] = {"Content-Type": "application/json"}
        self.user_id = ""

    def __call__(self, method: str, path: str, body: object = None, *, status: int = 200, **query: str) -> Any:
        """The parsed body of a response with this status; None for an empty one."""
        reply = self.send(method, path, body, **query)
        assert reply.status == status, (reply.status, reply.body)
        return json.loads(reply.body) if reply.body else None

    def send(self, method: str, path: str, body: object = None, **query: str) -> Reply:
        """The response, whatever its status."""
        headers = dict(self.headers)
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        encoded = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        return self._send(method, _with_query(path, query), headers, encoded)

    def submit_form(self, path: str, *, status: int = 200, **fields: str) -> Any:
        """Send an HTML form."""
        form = Page(self._send, self.token)
        form.headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return form("POST", path, urlencode(fields).encode(), status=status)


def _with_query(path: str, query: Mapping[str, str]) -> str:
    if not query:
        return path
    return f"{path}{'&' if '?' in path else '?'}{urlencode(query)}"

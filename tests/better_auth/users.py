"""A user of both servers, as a browser with cookies would be."""

from __future__ import annotations

import uuid
from typing import Any

from tests.better_auth.servers import AuthServer
from tests.service import Answer, Service

PASSWORD = "a long enough password"


class User:
    """Signed up at Better Auth; `token` is what it issued last."""

    def __init__(self, auth: AuthServer, tasks: Service, name: str) -> None:
        self._auth, self._tasks = auth, tasks
        body = {"email": f"{uuid.uuid4().hex}@example.com", "password": PASSWORD, "name": name}
        answer = auth.call("POST", "/api/auth/sign-up/email", body)
        assert answer.status == 200, answer
        self.id: str = answer.json["user"]["id"]
        self._cookie = answer.headers["set-cookie"].partition(";")[0]
        self.token = self.renew_token()

    def renew_token(self, path: str = "/api/auth/token") -> str:
        answer = self._auth.call("GET", path, Cookie=self._cookie)
        assert answer.status == 200, answer
        self.token = str(answer.json["token"])
        return self.token

    def delete_account(self) -> None:
        answer = self._auth.call("POST", "/api/auth/delete-user", {"password": PASSWORD}, Cookie=self._cookie)
        assert answer.status == 200, answer

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """A call of the task service."""
        return self._tasks.call(method, path, body, token=self.token, timeout=30, **headers)

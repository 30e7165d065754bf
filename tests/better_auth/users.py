"""Both servers, and a user of them, as a browser with cookies would be."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

import psycopg2

from tests.better_auth.servers import AuthServer
from tests.support.http import Response
from tests.support.processes import Service

PASSWORD = "a long enough password"


class User:
    """Signed up at Better Auth; `token` is what it issued last."""

    def __init__(self, auth: AuthServer, tasks: Service, name: str) -> None:
        self._auth, self._tasks = auth, tasks
        body = {"email": f"{uuid.uuid4().hex}@example.com", "password": PASSWORD, "name": name}
        answer = auth.call("POST", "/api/auth/sign-up/email", body)
        assert answer.status == 200, answer
        self.id: str = answer.json["user"]["id"]
        self._cookies = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
        self.token = self.renew_token()

    def renew_token(self, path: str = "/api/auth/token") -> str:
        answer = self._auth.call("GET", path, headers=self._cookies)
        assert answer.status == 200, answer
        self.token = str(answer.json["token"])
        return self.token

    def delete_account(self) -> None:
        answer = self._auth.call("POST", "/api/auth/delete-user", {"password": PASSWORD}, headers=self._cookies)
        assert answer.status == 200, answer

    def __call__(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """A call of the task service."""
        return self._tasks.call(method, path, body, token=self.token, headers=headers, timeout=30)


class Setup(NamedTuple):
    """The two servers, ready, and the database beneath both."""

    auth: AuthServer
    tasks: Service
    database_url: str

    def sign_up(self, name: str = "Ann") -> User:
        return User(self.auth, self.tasks, name)

    def query(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(self.database_url)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

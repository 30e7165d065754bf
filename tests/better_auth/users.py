"""Both servers, and a user with cookies, as in a browser."""

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
    """A user who has signed up at Better Auth; `token` is the last token issued."""

    def __init__(self, auth: AuthServer, tasks: Service, name: str) -> None:
        self._auth, self._tasks = auth, tasks
        body = {"email": f"{uuid.uuid4().hex}@example.com", "password": PASSWORD, "name": name}
        response = auth.call("POST", "/api/auth/sign-up/email", body)
        assert response.status == 200, response
        self.id: str = response.json["user"]["id"]
        self._cookies = {"Cookie": response.headers["set-cookie"].partition(";")[0]}
        self.token = self.renew_token()

    def renew_token(self, path: str = "/api/auth/token") -> str:
        response = self._auth.call("GET", path, headers=self._cookies)
        assert response.status == 200, response
        self.token = str(response.json["token"])
        return self.token

    def delete_account(self) -> None:
        response = self._auth.call("POST", "/api/auth/delete-user", {"password": PASSWORD}, headers=self._cookies)
        assert response.status == 200, response

    def __call__(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Call the task service."""
        return self._tasks.call(method, path, body, token=self.token, headers=headers, timeout=30)


class Setup(NamedTuple):
    """The two ready servers and their common database."""

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

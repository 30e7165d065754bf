"""A users table in another schema, such as Neon's: `USERS_TABLE=neon_auth.user`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import psycopg2

from tests.support.processes import PATIENT, UNLIMITED, running
from tests.support.signing import token_for

TABLE = """
CREATE SCHEMA neon_auth;
CREATE TABLE neon_auth."user" (id text PRIMARY KEY, email text, name text);
INSERT INTO neon_auth."user" VALUES ('ada', 'ada@example.com', 'Ada');
"""


def test_tasks_belong_to_its_users(create_database: Callable[[], str], tmp_path: Path) -> None:
    url = create_database()
    with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(TABLE)
        connection.commit()
    environ = {"DATABASE_URL": url, "USERS_TABLE": "neon_auth.user", "FRONTEND": "plain", "WORKERS": "1"}
    with running(tmp_path / "log", **environ, **UNLIMITED, **PATIENT) as service:
        ada, bob = token_for("ada"), token_for("bob")
        assert service.call("POST", "/api/tasks", {"title": "Mine"}, token=ada).status == 201
        assert [task["title"] for task in service.call("GET", "/api/tasks", token=ada).json] == ["Mine"]
        assert service.call("POST", "/api/tasks", {"title": "Nobody's"}, token=bob).status == 401
        shown = service.call("GET", "/auth/me", token=ada).json
    assert (shown["name"], shown["email"]) == ("Ada", "ada@example.com")

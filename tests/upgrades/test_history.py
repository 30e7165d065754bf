"""Which migrations have been run: by a newer version, by another application on the same database, by version 0.1.0."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from falcon.testing import TestClient

from api.migrate import migrate, pending
from api.postgres.database import Database
from tests.support.callers import error_of
from tests.support.postgres import connect
from tests.support.processes import PROJECT, UNLIMITED
from tests.support.signing import SECRET
from tests.upgrades.version_before import LATER

TOO_NEW = "DATABASE_URL: the schema is of a newer version of the service (003_contract_x); start that version"
HISTORY = """
CREATE TABLE migratehistory (id serial PRIMARY KEY, name varchar(255) NOT NULL, migrated_at timestamp NOT NULL)
"""
ADD = "INSERT INTO {table} (name, migrated_at) VALUES (%s, '2025-01-01')"
FOREIGN = ["001_init", "001_create_tables", "002_folded_text", "003_contract_x"]
"""Names that another application may have used, ours among them."""


def add(database: Database, table: str, *names: str) -> None:
    for name in names:
        database.run(ADD.format(table=table), (name,))


def names_in(database: Database, table: str) -> list[str]:
    return [name for (name,) in database.run(f"SELECT name FROM {table} ORDER BY id")]


def serve_py(folder: Path, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, PROJECT / "serve.py", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **UNLIMITED, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def empty(create_database: Callable[[], str]) -> Iterator[Database]:
    database = connect(create_database())
    yield database
    database.close()


class TestANewerVersion:
    def test_that_has_removed_something_stops_the_start_and_the_check_with_a_sentence(
        self, fresh_database: Database, tmp_path: Path
    ) -> None:
        add(fresh_database, "tasks_migrations", "003_contract_x")

        started = serve_py(tmp_path, fresh_database.url)
        assert (started.returncode, started.stderr) == (1, f"serve.py: {TOO_NEW}\n")
        checked = serve_py(tmp_path, fresh_database.url, "--check")
        assert checked.returncode == 1
        assert f"schema    failed: {TOO_NEW}\n" in checked.stdout

    def test_that_has_removed_something_while_we_served_is_not_ready(
        self, fresh_database: Database, client_over: Callable[..., TestClient]
    ) -> None:
        client = client_over(fresh_database)
        assert client.simulate_get("/ready").status_code == 200

        add(fresh_database, "tasks_migrations", "003_contract_x")

        answer = client.simulate_get("/ready")
        assert error_of(answer) == (503, "DATABASE_UNAVAILABLE")
        assert answer.headers["retry-after"] == "1"

    def test_that_has_only_added_something_is_served_beside(
        self, fresh_database: Database, client_over: Callable[..., TestClient], tmp_path: Path
    ) -> None:
        add(fresh_database, "tasks_migrations", "003_more")

        assert pending(fresh_database) == migrate(fresh_database, "users") == []
        assert client_over(fresh_database).simulate_get("/ready").status_code == 200
        checked = serve_py(tmp_path, fresh_database.url, "--check")
        assert "schema    ok: current" in checked.stdout


class TestAnotherApplicationsHistory:
    def test_is_neither_taken_for_ours_nor_changed(self, empty: Database) -> None:
        empty.run(HISTORY)
        add(empty, "migratehistory", *FOREIGN)

        assert pending(empty) == ["001_create_tables", *LATER]
        assert migrate(empty, "users") == ["001_create_tables", *LATER]

        assert names_in(empty, "migratehistory") == FOREIGN
        assert names_in(empty, "tasks_migrations") == ["001_create_tables", *LATER]
        assert pending(empty) == []

    def test_without_a_row_of_ours_is_left_as_it_is(self, empty: Database) -> None:
        empty.run(HISTORY)

        assert migrate(empty, "users") == ["001_create_tables", *LATER]

        assert names_in(empty, "migratehistory") == []

    def test_may_be_one_that_we_may_not_read(self, empty: Database) -> None:
        role = f"service_{uuid.uuid4().hex}"
        empty.run(HISTORY)
        empty.run(f"CREATE ROLE {role} LOGIN; GRANT CREATE ON SCHEMA public TO {role}")
        restricted = connect(empty.url.replace("//postgres", f"//{role}", 1))
        try:
            assert migrate(restricted, "users") == ["001_create_tables", *LATER]
            assert pending(restricted) == []
        finally:
            restricted.close()
            empty.run(f"DROP OWNED BY {role}; DROP ROLE {role}")


class TestAnInstallOfTheVersionBefore:
    def test_is_carried_over_beside_another_applications_rows(self, database_before: Database) -> None:
        add(database_before, "migratehistory", "001_init", "002_folded_text", "003_contract_x")
        assert pending(database_before) == LATER

        assert migrate(database_before, "users") == LATER

        assert names_in(database_before, "tasks_migrations") == ["001_create_tables", *LATER]
        # The version before reads these, and finds nothing to do.
        assert names_in(database_before, "migratehistory") == [
            "001_create_tables",
            "001_init",
            "002_folded_text",
            "003_contract_x",
        ]

    def test_is_listed_by_pw_migrate(self, database_before: Database) -> None:
        command = [str(Path(sys.executable).with_name("pw_migrate")), "list"]
        environ = {"PATH": os.environ["PATH"], "DATABASE_URL": database_before.url, "BETTER_AUTH_SECRET": SECRET}
        listed = subprocess.run(
            command, cwd=PROJECT, env=environ, capture_output=True, text=True, timeout=120, check=False
        )
        assert listed.returncode == 0, listed.stderr
        assert "- [x] 001_create_tables" in listed.stdout
        assert "- [ ] 002_folded_text" in listed.stdout
        assert names_in(database_before, "migratehistory") == ["001_create_tables"]

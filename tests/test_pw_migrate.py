"""The `pw_migrate` command, as an operator calls it: on an external database and on the embedded one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest

from tests.support.processes import PROJECT
from tests.support.signing import SECRET

COMMAND = str(Path(sys.executable).with_name("pw_migrate"))


def pw_migrate(command: str, directory: Path = PROJECT, /, **environ: str) -> str:
    """Run a command that succeeds; its output."""
    done = run(command, directory, **environ)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(command: str, directory: Path = PROJECT, /, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, command],
        cwd=directory,
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def execute(url: str, statement: str) -> None:
    connection = psycopg2.connect(**psycopg2.extensions.parse_dsn(url))
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def tables(url: str) -> set[str]:
    connection = psycopg2.connect(**psycopg2.extensions.parse_dsn(url))
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        found = {name for (name,) in cursor.fetchall()}
    connection.close()
    return found


def test_list_migrate_and_rollback_work_with_a_database_url(create_database: Callable[[], str]) -> None:
    url = create_database()
    environ = {"DATABASE_URL": url, "BETTER_AUTH_SECRET": SECRET}
    assert "- [ ] 001_create_tables" in pw_migrate("list", **environ)
    assert "- [x] 001_create_tables" in pw_migrate("migrate", **environ)
    assert "- [x] 001_create_tables" in pw_migrate("list", **environ)
    assert tables(url) == {"users", "account_addresses", "tasks", "idempotency_keys", "tasks_migrations"}
    pw_migrate("rollback", **environ)
    assert "- [ ] 003_accounts" in pw_migrate("list", **environ)
    assert tables(url) == {"users", "tasks", "idempotency_keys", "tasks_migrations"}
    pw_migrate("rollback", **environ)
    assert "- [ ] 002_folded_text" in pw_migrate("list", **environ)
    assert tables(url) == {"users", "tasks", "idempotency_keys", "tasks_migrations"}
    pw_migrate("rollback", **environ)
    assert tables(url) == {"tasks_migrations"}
    assert "- [ ] 001_create_tables" in pw_migrate("list", **environ)


def test_an_existing_users_table_is_referenced_and_not_altered(create_database: Callable[[], str]) -> None:
    url = create_database()
    execute(url, 'CREATE TABLE "user" (id uuid PRIMARY KEY, "emailVerified" boolean)')
    environ = {"DATABASE_URL": url, "BETTER_AUTH_SECRET": SECRET, "USERS_TABLE": "user"}
    pw_migrate("migrate", **environ)
    assert tables(url) == {"user", "tasks", "idempotency_keys", "tasks_migrations"}
    for _ in range(3):
        pw_migrate("rollback", **environ)
    assert tables(url) == {"user", "tasks_migrations"}


def test_a_rollback_that_would_delete_data_is_refused_with_its_extent(create_database: Callable[[], str]) -> None:
    url = create_database()
    environ = {"DATABASE_URL": url, "BETTER_AUTH_SECRET": SECRET}
    pw_migrate("migrate", **environ)
    execute(url, "INSERT INTO users (id) VALUES ('ada'), ('bob')")
    execute(url, "INSERT INTO tasks (user_id, title) VALUES ('ada', 'a'), ('ada', 'b'), ('bob', 'c')")
    for told in ({}, {"ROLLBACK_DELETES_DATA": "off"}):
        refused = run("rollback", **environ, **told)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.startswith(
            "pw_migrate: rollback would delete data: the database holds 3 tasks, 0 idempotency keys, 2 users;"
        )
        assert refused.stderr.count("\n") == 1
    assert "- [x] 002_folded_text" in pw_migrate("list", **environ)
    told = {"ROLLBACK_DELETES_DATA": "on"}
    pw_migrate("rollback", **environ, **told)
    pw_migrate("rollback", **environ, **told)
    pw_migrate("rollback", **environ, **told)
    assert tables(url) == {"tasks_migrations"}


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"DATABASE_URL": "postgresql://ada:Tr0ub4dor@127.0.0.1:9/tasks"}, "Connection refused"),
        ({"DATABASE_URL": "postgresql://ada:Tr0ub4dor/x@db/tasks"}, "DATABASE_URL must"),
        ({"BETTER_AUTH_SECRET": "short"}, "BETTER_AUTH_SECRET must"),
        ({"DATA_DIR": "/proc/none"}, "cannot start the embedded database"),
    ],
)
@pytest.mark.parametrize("command", ["list", "migrate", "rollback"])
def test_without_a_usable_database_it_prints_one_line(command: str, environ: dict[str, str], reason: str) -> None:
    done = run(command, **{"BETTER_AUTH_SECRET": SECRET, **environ})
    assert done.returncode == 1
    assert done.stderr.startswith("pw_migrate: ")
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Tr0ub4dor" not in done.stderr


def test_what_stands_in_the_way_of_a_migration_is_one_line(create_database: Callable[[], str]) -> None:
    url = create_database()
    execute(url, "CREATE TABLE tasks (id integer)")
    done = run("migrate", DATABASE_URL=url, BETTER_AUTH_SECRET=SECRET)
    assert done.returncode == 1
    assert done.stderr.startswith("pw_migrate: DATABASE_URL: table tasks is another application's")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("again", [False, True])
def test_it_works_on_the_embedded_database(tmp_path: Path, again: bool) -> None:
    environ = {"DATA_DIR": str(tmp_path / "data")}
    assert "- [x] 001_create_tables" in pw_migrate("migrate", **environ)
    if again:
        assert "- [x] 001_create_tables" in pw_migrate("list", **environ)


def test_it_reads_dotenv_as_the_service_does(tmp_path: Path, create_database: Callable[[], str]) -> None:
    """RATE_LIMIT accepts an empty value, PORT counts as unset with one: neither stops the command."""
    for name in ("api", "migrations"):
        (tmp_path / name).symlink_to(PROJECT / name)
    url = create_database()
    dotenv = f"DATABASE_URL={url}\nBETTER_AUTH_SECRET={SECRET}\nRATE_LIMIT=\nPORT=\nHOST\n"
    (tmp_path / ".env").write_text(dotenv, encoding="utf-8")
    assert "- [x] 001_create_tables" in pw_migrate("migrate", tmp_path)
    assert "tasks" in tables(url)

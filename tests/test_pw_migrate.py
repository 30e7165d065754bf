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
    done = subprocess.run(
        [COMMAND, command],
        cwd=directory,
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


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
    connection = psycopg2.connect(**psycopg2.extensions.parse_dsn(url))
    with connection, connection.cursor() as cursor:
        cursor.execute('CREATE TABLE "user" (id uuid PRIMARY KEY, "emailVerified" boolean)')
    connection.close()
    environ = {"DATABASE_URL": url, "BETTER_AUTH_SECRET": SECRET, "USERS_TABLE": "user"}
    pw_migrate("migrate", **environ)
    assert tables(url) == {"user", "tasks", "idempotency_keys", "tasks_migrations"}
    for _ in range(3):
        pw_migrate("rollback", **environ)
    assert tables(url) == {"user", "tasks_migrations"}


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

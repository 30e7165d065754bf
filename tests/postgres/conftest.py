"""Databases without the service's tables, connections of an administrator, and data directories."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import parse_dsn

from api.postgres.database import Database
from api.postgres.embedded import start_embedded, stop_embedded
from tests.postgres.embedded import kill_server
from tests.postgres.statements import PATIENCE, Admin

NOTES = "CREATE TABLE notes (id int PRIMARY KEY, text text)"


@pytest.fixture(scope="module")
def url(create_database: Callable[[], str]) -> str:
    return create_database()


@pytest.fixture
def make_database(url: str) -> Iterator[Callable[..., Database]]:
    """A function that makes Database objects; they are closed after the test. By default nothing times out."""
    made: list[Database] = []

    def make(url: str = url, *, pool_size: int = 4, statement_timeout: float = PATIENCE, **options: Any) -> Database:
        options = {"check_out_timeout": PATIENCE, **options}
        made.append(Database(url, pool_size=pool_size, statement_timeout=statement_timeout, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def database(make_database: Callable[..., Database]) -> Database:
    made = make_database()
    made.run("DROP TABLE IF EXISTS notes")
    made.run(NOTES)
    return made


@pytest.fixture
def admin(url: str) -> Iterator[Admin]:
    """A function that runs a statement on a separate connection."""
    connection = psycopg2.connect(**parse_dsn(url))
    connection.autocommit = True

    def run(sql: str, *values: object) -> list[tuple[object, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else []

    yield run
    connection.close()


@pytest.fixture
def role(admin: Admin) -> Iterator[str]:
    """A role that may log in and has no other privileges."""
    name = f"role_{uuid.uuid4().hex}"
    admin(f"CREATE ROLE {name} LOGIN")
    yield name
    admin("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s", name)
    admin(f"DROP ROLE {name}")


@pytest.fixture(scope="module")
def base() -> Iterator[Path]:
    """Not in pytest's own directory: every other run by root makes that inaccessible to the server."""
    base = Path(tempfile.mkdtemp(prefix="embedded-"))
    yield base
    shutil.rmtree(base)


@pytest.fixture(scope="module")
def template(base: Path) -> Path:
    """A data directory of a stopped server: copying one is faster than making one."""
    start_embedded(base / "template")
    stop_embedded(base / "template")
    return base / "template"


@pytest.fixture
def empty_dir(base: Path) -> Iterator[Path]:
    """The path of a data directory that does not exist yet."""
    data_dir = Path(tempfile.mkdtemp(dir=base)) / "data"
    yield data_dir
    stop_embedded(data_dir)
    kill_server(data_dir)


@pytest.fixture
def data_dir(empty_dir: Path, template: Path) -> Path:
    subprocess.run(["cp", "-a", template, empty_dir], check=True)
    return empty_dir

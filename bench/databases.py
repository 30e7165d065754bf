"""One PostgreSQL for the whole run, with a database for each service."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psutil
import psycopg2
from psycopg2.extensions import parse_dsn

from api.migrate import migrate
from api.postgres.database import Database
from api.postgres.embedded import start_embedded, stop_embedded

PEERS_SCHEMA = Path(__file__).parent / "peers" / "schema.sql"


@contextmanager
def postgresql(data_dir: Path) -> Iterator[str]:
    """Start a server; its superuser's URL, who may create databases. The server stops at the end of the block."""
    try:
        yield start_embedded(data_dir).replace("//tasks@", "//postgres@")
    finally:
        stop_embedded(data_dir)


def url_of(server_url: str, name: str) -> str:
    """The URL of database `name` on the same server, with host and port as parameters: every driver reads these."""
    parts = parse_dsn(server_url)
    address = [(key, value) for key, value in parts.items() if key in ("host", "port")]
    query = urlencode(address, quote_via=quote)
    return f"postgresql://{parts['user']}@/{name}?{query}"


@contextmanager
def connection(url: str) -> Iterator[Any]:
    """A connection in autocommit mode."""
    connected = psycopg2.connect(url)
    connected.autocommit = True
    try:
        yield connected
    finally:
        connected.close()


def create_empty(server_url: str, name: str) -> str:
    """Create database `name` without a table; its URL."""
    with connection(server_url) as server, server.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    return url_of(server_url, name)


def create(server_url: str, name: str, *, ours: bool) -> str:
    """Make database `name` with the service's tables (by its migrations) or the peers'; its URL."""
    url = create_empty(server_url, name)
    if ours:
        database = Database(url, pool_size=1, statement_timeout=60)
        migrate(database, "users")
        database.close()
    else:
        with connection(url) as connected, connected.cursor() as cursor:
            cursor.execute(PEERS_SCHEMA.read_text())
    return url


def postmaster(server_url: str) -> psutil.Process:
    """PostgreSQL's parent process."""
    with connection(server_url) as connected, connected.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return psutil.Process(psutil.Process(cursor.fetchone()[0]).ppid())


def processor_seconds(postmaster: psutil.Process) -> float:
    """Processor time of all PostgreSQL processes so far, including ended ones."""
    own = postmaster.cpu_times()
    total: float = own.user + own.system + own.children_user + own.children_system
    for child in postmaster.children():
        with contextlib.suppress(psutil.NoSuchProcess):
            times = child.cpu_times()
            total += times.user + times.system
    return total

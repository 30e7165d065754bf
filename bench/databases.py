"""One PostgreSQL for the whole run, and a database in it for each service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg2
from psycopg2.extensions import parse_dsn

from api.migrate import migrate
from api.postgres.database import Database
from api.postgres.embedded import start_embedded, stop_embedded

PEERS_SCHEMA = Path(__file__).parent / "peers" / "schema.sql"


@contextmanager
def postgresql(data_dir: Path) -> Iterator[str]:
    """The URL of a new server's first database; the server stops at the end."""
    try:
        yield start_embedded(data_dir)
    finally:
        stop_embedded(data_dir)


def url_of(server_url: str, name: str) -> str:
    """The same server's database `name`, spelled so that every driver reads it: host and port as parameters."""
    parts = parse_dsn(server_url)
    address = [(key, value) for key, value in parts.items() if key in ("host", "port")]
    place = urlencode(address, quote_via=quote)
    return f"postgresql://{parts['user']}@/{name}?{place}"


@contextmanager
def connection(url: str) -> Iterator[Any]:
    """A connection that commits each statement by itself."""
    connected = psycopg2.connect(url)
    connected.autocommit = True
    try:
        yield connected
    finally:
        connected.close()


def create(server_url: str, name: str, *, ours: bool) -> str:
    """Make database `name` with the service's tables (by its migrations) or the peers'; its URL."""
    with connection(server_url) as server, server.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    url = url_of(server_url, name)
    if ours:
        database = Database(url, pool_size=1, statement_timeout=60)
        migrate(database, "users")
        database.close()
    else:
        with connection(url) as connected, connected.cursor() as cursor:
            cursor.execute(PEERS_SCHEMA.read_text())
    return url

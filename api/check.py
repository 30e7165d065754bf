"""`python serve.py --check`: one finding for each part that the service needs, and what to do if it fails.

It changes nothing: it runs no migration and creates no embedded database. No finding contains a secret.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import psycopg2
from psycopg2.extensions import make_dsn

from api.errors import SchemaTooNew, SchemaUnreadable
from api.jose.jwks_download import DownloadError, download, parse_set
from api.migrate import pending
from api.models import User
from api.postgres.database import Database
from api.postgres.database_url import describe, parse_url
from api.postgres.embedded import EmbeddedError, start_embedded
from api.postgres.errors import DatabaseUnavailable
from api.rate_limits import connect_storage
from api.resolved_settings import resolve_settings
from api.secret_file import read_secret
from api.settings import Settings, SettingsError
from api.users_table import UsersTable, read_users_table

CONNECT_TIMEOUT: Final = "10"
"""Seconds. A suspended database, such as Neon's, takes some of them to resume."""

JWKS_TIMEOUT: Final = 5.0

_SERVER_QUERY: Final = """
SELECT current_setting('server_version'), current_setting('max_connections')::int,
       current_setting('transaction_read_only') = 'on',
       has_schema_privilege(current_schema(), 'CREATE')
"""


class Finding(NamedTuple):
    """The state of one part; `text` says what is wrong and what to do."""

    part: str
    ok: bool
    text: str

    def __str__(self) -> str:
        return f"{self.part:<9} {'ok' if self.ok else 'failed'}: {self.text}"


def report(settings: Settings) -> int:
    """Print each finding as soon as it is known, and return the exit status: 0 if all are ok, else 1."""
    status = 0
    for finding in check(settings):
        print(finding, flush=True)
        status = status if finding.ok else 1
    return status


def check(settings: Settings) -> Iterator[Finding]:
    """Check the parts, each after those that it depends on."""
    yield Finding("settings", True, "each is valid")
    yield from _check_database(settings)
    yield _check_secrets(settings)
    yield _check_jwks(settings)
    yield _check_redis(settings)


def _check_database(settings: Settings) -> Iterator[Finding]:
    url = settings.database_url
    if url is None:
        if not (settings.data_dir / "postgres").exists():
            yield Finding("database", True, f"the first start creates it in {settings.data_dir}")
            return
        try:
            url = start_embedded(settings.data_dir)
        except EmbeddedError as ex:
            yield Finding("database", False, str(ex))
            return
    try:
        connection = psycopg2.connect(make_dsn(**{"connect_timeout": CONNECT_TIMEOUT, **parse_url(url)}))
    except psycopg2.OperationalError as ex:
        yield Finding("database", False, f"{_one_line(ex)}; check DATABASE_URL, and the server that it names")
        return
    with contextlib.closing(connection), connection.cursor() as cursor:
        started = time.perf_counter()
        cursor.execute(_SERVER_QUERY)
        took = (time.perf_counter() - started) * 1000
        version, most, read_only, may_create = cursor.fetchone() or ("", 0, False, False)
    if read_only:
        yield Finding("database", False, f"{describe(url)} is read-only; DATABASE_URL must name the primary")
        return
    used = settings.workers * settings.pool_size
    text = f"{describe(url)}, PostgreSQL {version}, {took:.1f} ms; takes up to {used} of its {most} connections"
    yield Finding("database", True, text)
    yield _check_schema(url, settings, may_create)


def _check_schema(url: str, settings: Settings, may_create: bool) -> Finding:
    database = Database(url, pool_size=1, statement_timeout=max(settings.statement_timeout, 5.0))
    try:
        missing = pending(database)
        users_table = read_users_table(database, settings.users_table)
        if missing:
            return _check_migration(missing, settings, users_table, may_create)
        resolve_settings(settings, users_table)
    except DatabaseUnavailable as ex:
        return Finding("schema", False, f"the database did not respond ({ex.kind}); try again")
    except (SchemaTooNew, SchemaUnreadable, SettingsError) as ex:
        return Finding("schema", False, str(ex))
    finally:
        database.close()
    return Finding("schema", True, f"current; tasks belong to table {settings.users_table}")


def _check_migration(missing: list[str], settings: Settings, users_table: UsersTable, may_create: bool) -> Finding:
    if settings.users_table != User._meta.table_name and not users_table.exists:
        text = f"no table {settings.users_table}; let your auth server create it, or unset USERS_TABLE"
        return Finding("schema", False, text)
    if not may_create:
        text = "the database's user may not create tables; GRANT CREATE ON SCHEMA public TO it"
        return Finding("schema", False, text)
    return Finding("schema", True, f"the next start runs {', '.join(missing)}")


def _check_secrets(settings: Settings) -> Finding:
    secrets = settings.secrets
    if not secrets:
        if settings.database_url is None:
            return _check_secret_file(settings.data_dir / "secret")
        return Finding("secret", True, "none: tokens are verified with the keys behind JWKS_URL alone")
    shortest = min(len(secret.encode()) for secret in secrets)
    return Finding("secret", True, f"{len(secrets)}, of {shortest} bytes" + (" and more" if len(secrets) > 1 else ""))


def _check_secret_file(path: Path) -> Finding:
    if not os.path.lexists(path):
        return Finding("secret", True, f"the first start creates it in {path}")
    try:
        read_secret(path)
    except OSError as ex:
        return Finding("secret", False, str(ex))
    return Finding("secret", True, f"the service's own, kept in {path}")


def _check_jwks(settings: Settings) -> Finding:
    if settings.jwks_url is None:
        return Finding("JWKS", True, "JWKS_URL is not set: only tokens signed with a secret are verified")
    try:
        keys = parse_set(download(settings.jwks_url, JWKS_TIMEOUT))
    except DownloadError as ex:
        return Finding("JWKS", False, f"{_one_line(ex)}; JWKS_URL must respond to this machine, without a redirect")
    if not keys:
        return Finding("JWKS", False, "no key is usable; JWKS_URL must name a set of public signature keys")
    algorithms = ", ".join(sorted({key.algorithm for key in keys.values()}))
    return Finding("JWKS", True, f"{len(keys)} of {algorithms}")


def _check_redis(settings: Settings) -> Finding:
    if settings.rate_limit_storage == "memory":
        return Finding("Redis", True, "RATE_LIMIT_STORAGE is memory: each process counts rate limits for itself")
    if not connect_storage(settings.rate_limit_storage).check():
        return Finding(
            "Redis", False, "no response; check RATE_LIMIT_STORAGE (until Redis responds, task calls are not limited)"
        )
    return Finding("Redis", True, "responds")


def _one_line(ex: Exception) -> str:
    return " ".join(str(ex).split())

"""The command `check`: one finding for each part that the service needs, and what to do if it fails.

It changes nothing: it runs no migration and creates no embedded database. No finding contains a secret.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from api.database_checks import check_server
from api.errors import SchemaTooNew, SchemaUnreadable
from api.jose.jwks_download import DownloadError, download, parse_set
from api.postgres.cluster import check_space
from api.postgres.database_url import describe
from api.postgres.embedded import EmbeddedError, start_embedded
from api.postgres.errors import DatabaseUnavailable
from api.prepared_database import PreparedDatabase, describe_failure, prepare_database
from api.rate_limits import connect_storage
from api.resolved_settings import describe_accounts
from api.secret_file import read_secret
from api.server.listener import listen
from api.session_cookie import pages_on_another_host
from api.settings import Settings, SettingsError

JWKS_TIMEOUT: Final = 5.0


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
    yield _check_host(settings)
    yield from _check_frontend(settings)
    yield from _check_database(settings)
    yield _check_secrets(settings)
    yield _check_jwks(settings)
    yield _check_redis(settings)


def _check_host(settings: Settings) -> Finding:
    try:
        # Port 0 is any free one: a service may be running on PORT.
        listen(settings.host, 0).close()
    except OSError as ex:
        return Finding("settings", False, f"HOST: {ex.strerror}; HOST must be an address of this machine")
    return Finding("settings", True, "each is valid")


def _check_frontend(settings: Settings) -> Iterator[Finding]:
    frontend = settings.frontend
    if frontend is None:
        return
    text = f"{frontend.name}, tasks at {frontend.collections[0]}"
    pages = pages_on_another_host(frontend.accounts.cookie, settings.host, settings.cors_origins)
    if pages:
        text += f"; browsers drop the cookie if a page of {', '.join(pages)} calls the service by {settings.host}"
    yield Finding("frontend", True, text)


def _check_database(settings: Settings) -> Iterator[Finding]:
    url = settings.database_url
    if url is None:
        if not (settings.data_dir / "postgres").exists():
            yield _check_new_data_dir(settings.data_dir)
            return
        try:
            url = start_embedded(settings.data_dir)
        except EmbeddedError as ex:
            yield Finding("database", False, str(ex))
            return
    part = "database"
    try:
        server = check_server(url)
        used = settings.workers * settings.pool_size
        room = f"takes up to {used} of its {server.max_connections} connections"
        yield Finding(part, True, f"{describe(url)}, PostgreSQL {server.version}; {room}")
        part = "schema"
        yield Finding(part, True, _describe_schema(prepare_database(settings, url, dry_run=True)))
    except DatabaseUnavailable as ex:
        yield Finding(part, False, describe_failure(ex))
    except (SchemaTooNew, SchemaUnreadable, SettingsError) as ex:
        yield Finding(part, False, str(ex))


def _check_new_data_dir(data_dir: Path) -> Finding:
    parent = next(each for each in (data_dir, *data_dir.absolute().parents) if each.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        return Finding("database", False, f"DATA_DIR cannot be created: {parent} is not a writable directory")
    try:
        check_space(parent)
    except EmbeddedError as ex:
        return Finding("database", False, str(ex))
    return Finding("database", True, f"the first start creates it in {data_dir}")


def _describe_schema(prepared: PreparedDatabase) -> str:
    settings = prepared.settings
    state = f"the next start runs {', '.join(prepared.migrations)}" if prepared.migrations else "current"
    accounts = describe_accounts(settings, prepared.users_table)
    return f"{state}; tasks belong to table {settings.users_table}; local accounts are {accounts}"


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

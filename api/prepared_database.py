"""From a database's URL to one that the service can use. `serve.py` and its `--check` call the same function."""

from __future__ import annotations

from typing import Final, NamedTuple

from api.database_checks import ServerFacts, check_server, check_tables
from api.migrate import FIRST, migrate, pending, rehearse
from api.postgres.database import PATIENT_CHECK_OUT, Database
from api.postgres.embedded import start_embedded
from api.postgres.errors import ConnectionFailed, DatabaseUnavailable
from api.resolved_settings import resolve_settings
from api.settings import Settings, SettingsError
from api.users_table import UsersTable, read_users_table

STATEMENT_TIMEOUT: Final = 5.0
"""Seconds at least for a check: no request waits for it."""


class PreparedDatabase(NamedTuple):
    """A database that the service can use, and the settings that depend on it.

    `migrations`: those that have been run now, or after a dry run, those that the next start runs.
    """

    server: ServerFacts
    migrations: list[str]
    users_table: UsersTable
    settings: Settings


def find_database_url(settings: Settings) -> str:
    """The URL of a database that exists: that of the settings, or the embedded one, which is started.

    Raises SettingsError if no start has created the embedded one; EmbeddedError.
    """
    if settings.database_url is not None:
        return settings.database_url
    if not (settings.data_dir / "postgres").exists():
        raise SettingsError(f"no database in {settings.data_dir}; start the service first, or set DATABASE_URL")
    return start_embedded(settings.data_dir)


def prepare_database(settings: Settings, url: str, *, dry_run: bool = False) -> PreparedDatabase:
    """Check the database and run the pending migrations. A dry run changes nothing and refuses the same.

    A dry run rehearses the migrations if the database has none of our tables. Otherwise it only reads, because the
    locks of a migration would stop the requests of the version that serves.

    Raises SettingsError, SchemaTooNew, SchemaUnreadable, DatabaseUnavailable.
    """
    server = check_server(url)
    timeout = max(settings.statement_timeout, STATEMENT_TIMEOUT)
    database = Database(url, pool_size=1, statement_timeout=timeout, check_out_timeout=PATIENT_CHECK_OUT)
    try:
        migrations = pending(database)
        is_new = FIRST in migrations
        users_table = read_users_table(database, settings.users_table)
        if not is_new:
            check_tables(database, settings, users_table, will_migrate=bool(migrations))
        if not dry_run:
            migrations = migrate(database, settings.users_table)
            users_table = read_users_table(database, settings.users_table)
        elif is_new:
            rehearse(database, settings.users_table)
            if not users_table.exists:
                users_table = UsersTable(exists=True, ours=True, uuid_ids=False)
        return PreparedDatabase(server, migrations, users_table, resolve_settings(settings, users_table))
    finally:
        database.close()


def describe_failure(ex: DatabaseUnavailable) -> str:
    """What is wrong with a database that could not be used, in PostgreSQL's words if any, and what to do."""
    if isinstance(ex, ConnectionFailed):
        return f"{ex.reason}; correct DATABASE_URL, or the server that it names"
    if ex.kind == "lock_timeout":
        return "other transactions hold locks that the migration needs; end them (pg_stat_activity) and start again"
    return f"the database accepts connections but did not respond ({ex.kind}); see its log"

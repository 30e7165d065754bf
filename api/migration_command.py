"""The commands `migrate`, `migrations` and `rollback`; and for `pw_migrate`, the database that these work on."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Final

from api.database_checks import check_server
from api.errors import SchemaTooNew, SchemaUnreadable
from api.migrate import MigrationDatabase, carry_over_history, list_names, pending, rollback
from api.postgres.database import PATIENT_CHECK_OUT, Database
from api.postgres.embedded import EmbeddedError, start_embedded
from api.postgres.errors import DatabaseUnavailable
from api.prepared_database import describe_failure, find_database_url, prepare_database
from api.settings import Settings, SettingsError, load_settings
from api.users_table import quote_table, read_users_table

DATA_MAY_GO: Final = "ROLLBACK_DELETES_DATA"
"""The environment variable that must be `on` for a rollback while rows exist."""

COUNT_TIMEOUT: Final = 300.0


def run_migration_command(options: argparse.Namespace, settings: Settings, *, data_may_go: str | None) -> int:
    """Run the command that the options name, and return the exit status. `data_may_go`: the variable DATA_MAY_GO.

    Raises SettingsError, EmbeddedError, SchemaTooNew or SchemaUnreadable.
    """
    try:
        if options.command == "migrate":
            url = settings.database_url or start_embedded(settings.data_dir)
            migrated = prepare_database(settings, url).migrations
            print("\n".join(f"migrated: {name}" for name in migrated) or "no migration was pending")
            return 0
        url = find_database_url(settings)
        check_server(url)
        if options.command == "rollback" and data_may_go != "on":
            _refuse_data_loss(url, settings.users_table)
        database = Database(url, pool_size=1, statement_timeout=COUNT_TIMEOUT, check_out_timeout=PATIENT_CHECK_OUT)
        try:
            if options.command == "rollback":
                print(f"undone: {rollback(database, settings.users_table)}")
            else:
                waiting = pending(database)
                print(*(f"- [{' ' if name in waiting else 'x'}] {name}" for name in list_names()), sep="\n")
        finally:
            database.close()
    except DatabaseUnavailable as ex:
        raise SettingsError(f"DATABASE_URL: {describe_failure(ex)}") from ex
    return 0


def open_database(
    environ: Mapping[str, str], arguments: Sequence[str], *, data_may_go: str | None
) -> MigrationDatabase:
    """The database for a command line of `pw_migrate`. `data_may_go`: the value of the variable DATA_MAY_GO.

    Raises SystemExit with one line if the command is refused.
    """
    try:
        settings = load_settings(environ)
        url = settings.database_url or start_embedded(settings.data_dir)
        check_server(url)
        if "migrate" in arguments:
            prepare_database(settings, url, dry_run=True)
        if "rollback" in arguments and data_may_go != "on":
            _refuse_data_loss(url, settings.users_table)
        database = MigrationDatabase(url, settings.users_table)
        with database.connection_context():
            carry_over_history(database)
    except DatabaseUnavailable as ex:
        raise SystemExit(f"pw_migrate: DATABASE_URL: {describe_failure(ex)}") from ex
    except (SettingsError, EmbeddedError, SchemaTooNew, SchemaUnreadable) as ex:
        raise SystemExit(f"pw_migrate: {ex}") from ex
    return database


def _refuse_data_loss(url: str, users_table: str) -> None:
    database = Database(url, pool_size=1, statement_timeout=COUNT_TIMEOUT, check_out_timeout=PATIENT_CHECK_OUT)
    try:
        tables = {"tasks": "tasks", "idempotency keys": "idempotency_keys"}
        if read_users_table(database, users_table).ours:
            tables["users"] = quote_table(users_table)
        counts = {name: _count(database, table) for name, table in tables.items()}
    finally:
        database.close()
    if any(counts.values()):
        held = ", ".join(f"{count} {name}" for name, count in counts.items())
        raise SettingsError(
            f"rollback would delete data: the database holds {held}; stop the service and back up, then set "
            f"{DATA_MAY_GO}=on (docs/operating.md, Undo a migration)"
        )


def _count(database: Database, table: str) -> int:
    if database.run("SELECT to_regclass(%s) IS NULL", (table,)) == [(True,)]:
        return 0
    [(count,)] = database.run(f"SELECT count(*) FROM {table}")  # noqa: S608
    return int(count)

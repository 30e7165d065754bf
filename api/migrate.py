"""Bring the schema up to date: peewee-migrate over migrations/, in one transaction under a lock.

Never called while requests are served, nor in a worker: peewee-migrate patches Peewee for the whole process while it
replays the migrations that have been run.

A migration only adds, so that the version before it can go on serving. One that removes what that version needs comes
a version later, and has `_contract_` in its name: a version that does not know it refuses to serve.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator
from typing import Any, Final

import peewee
import psycopg2.errors

from api.errors import SchemaTooNew, SchemaUnreadable
from api.installation import MIGRATIONS
from api.migration_errors import explain
from api.postgres.database import Database
from api.postgres.database_url import connection_parameters
from api.postgres.errors import DatabaseUnavailable
from api.postgres.first_connection import CONNECT_TIMEOUT
from api.settings import SettingsError
from api.users_table import quote_table

LOCK: Final = 7_236_017_112
"""Key of the advisory lock: any number, but the same in all versions of the service."""

HISTORY: Final = "tasks_migrations"
"""The table of the migrations that have been run: our own, since other applications use peewee-migrate's default."""

FIRST: Final = "001_create_tables"

OLD_HISTORY: Final = "migratehistory"
"""Where version 0.1.0 kept it."""

CONTRACTING: Final = "_contract_"

_EXISTS: Final = "to_regclass('{}') IS NOT NULL"
_HAVE_OLD_HISTORY: Final = f"{_EXISTS.format(OLD_HISTORY)} AND {_EXISTS.format('idempotency_keys')}"
"""Without our tables the old history is another application's, and we may not even be allowed to read it."""

_OWN_OLD_HISTORY: Final = f"FROM {OLD_HISTORY} WHERE name = '{FIRST}'"

LOCK_TIMEOUT: Final = "2s"
"""How long a migration waits for a table that others use, and has their requests wait behind it."""

REHEARSAL_LOCK_TIMEOUT: Final = "1s"
"""How long a rehearsal waits for a lock, that of another start's migration included."""

_FILE_NAME: Final = re.compile(r"\d{3}_[^.]+\.py")
"""The file names that peewee-migrate takes for migrations."""

_quiet: Final = logging.getLogger(f"{__name__}.router")
_quiet.setLevel(logging.CRITICAL)


class UsersTableMissing(SettingsError):
    """The auth server has not created the table that USERS_TABLE names."""


class MigrationDatabase(peewee.PostgresqlDatabase):
    """Peewee's database at `url`, for migrations. They read `users_table`: the table that tasks refer to."""

    def __init__(self, url: str, users_table: str) -> None:
        parameters: dict[str, Any] = dict(connection_parameters(url, connect_timeout=CONNECT_TIMEOUT))
        super().__init__(parameters.pop("dbname"), **parameters)
        self.users_table = users_table
        self.quoted_users_table = quote_table(users_table)


def migrate(database: Database, users_table: str) -> list[str]:
    """Run the pending migrations, all or none, and return their names.

    Raises UsersTableMissing; SettingsError if tasks cannot refer to `users_table` or the user may not migrate;
    SchemaUnreadable; DatabaseUnavailable.
    """
    return _run(database, users_table) if pending(database) else []


def rehearse(database: Database, users_table: str) -> None:
    """Run the migrations as `migrate` does, and roll them back. For a database without our tables.

    Raises what `migrate` raises.
    """
    _run(database, users_table, rehearsal=True)


def rollback(database: Database, users_table: str) -> str:
    """Undo the last migration with what it made, and return its name.

    Raises what `migrate` raises; SettingsError also if there is none, or if a newer version has run it.
    """
    with _migrating(database, users_table) as (router, _):
        done = router.done
        if not done:
            raise SettingsError("DATABASE_URL: no migration has been run, so there is none to undo")
        if done[-1] not in router.todo:
            raise SettingsError(f"DATABASE_URL: a newer version has run {done[-1]}; undo it with that version")
        router.rollback()
    return str(done[-1])


def _run(database: Database, users_table: str, *, rehearsal: bool = False) -> list[str]:
    with _migrating(database, users_table, rehearsal=rehearsal) as (router, transaction):
        done: list[str] = router.run()
        if rehearsal:
            transaction.rollback()
    return done


@contextlib.contextmanager
def _migrating(database: Database, users_table: str, *, rehearsal: bool = False) -> Iterator[tuple[Any, Any]]:
    """peewee-migrate's router and the transaction that it works in, under the lock."""
    # Most starts find nothing to do, and then save the time and memory of this package.
    from peewee_migrate import Router  # noqa: PLC0415
    from peewee_migrate.logs import logger as statement_logger  # noqa: PLC0415

    connection = MigrationDatabase(database.url, users_table)
    statement_logger.setLevel(logging.WARNING)
    try:
        with connection.connection_context(), connection.atomic() as transaction:
            if rehearsal:
                connection.execute_sql(f"SET LOCAL lock_timeout = '{REHEARSAL_LOCK_TIMEOUT}'")  # type: ignore[no-untyped-call]
            # Of two processes that start at once, the second waits here and then finds nothing to do.
            connection.execute_sql("SELECT pg_advisory_xact_lock(%s)", (LOCK,))  # type: ignore[no-untyped-call]
            if not rehearsal:
                connection.execute_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")  # type: ignore[no-untyped-call]
            carry_over_history(connection)
            yield Router(connection, MIGRATIONS, migrate_table=HISTORY, logger=_quiet), transaction
    except (peewee.OperationalError, peewee.InterfaceError) as ex:
        raise DatabaseUnavailable("lock_timeout" if "lock timeout" in str(ex) else "migration") from ex
    except peewee.DatabaseError as ex:
        raise SettingsError(explain(ex, users_table)) from ex
    except SettingsError:
        raise
    except LookupError as ex:
        raise UsersTableMissing(f"USERS_TABLE: {ex}") from ex
    except ValueError as ex:
        raise SettingsError(f"USERS_TABLE: {ex}") from ex


def carry_over_history(connection: MigrationDatabase) -> None:
    """Copy what an older version noted of us in the history that it shared with other applications."""
    found = connection.execute_sql(  # type: ignore[no-untyped-call]
        f"SELECT NOT {_EXISTS.format(HISTORY)} AND {_HAVE_OLD_HISTORY}"
    )
    if found.fetchone()[0]:
        connection.execute_sql(  # type: ignore[no-untyped-call]
            f"CREATE TABLE {HISTORY} "
            "(id serial PRIMARY KEY, name varchar(255) NOT NULL, migrated_at timestamp NOT NULL);"
            f"INSERT INTO {HISTORY} (name, migrated_at) SELECT name, migrated_at {_OWN_OLD_HISTORY}"
        )


def list_names() -> list[str]:
    """The names of this version's migrations, in order."""
    return sorted(file.stem for file in MIGRATIONS.iterdir() if _FILE_NAME.fullmatch(file.name))


def pending(database: Database) -> list[str]:
    """The names of migrations that have not been run, in order; cheap enough for every `/ready`.

    Raises SchemaTooNew, SchemaUnreadable, and what `Database.run` raises.
    """
    names = list_names()
    try:
        done = _find_done(database)
    except psycopg2.errors.InsufficientPrivilege as ex:
        raise SchemaUnreadable(str(ex)) from ex
    for name in sorted(done.difference(names)):
        if CONTRACTING in name:
            raise SchemaTooNew(name)
    return [name for name in names if name not in done]


def _find_done(database: Database) -> set[str]:
    """The names in our history. No missing table is selected from: PostgreSQL would log an error."""
    [(ours, old)] = database.run(f"SELECT {_EXISTS.format(HISTORY)}, {_HAVE_OLD_HISTORY}", repeatable=True)
    if not ours and not old:
        return set()
    statement = f"SELECT name FROM {HISTORY}" if ours else f"SELECT name {_OWN_OLD_HISTORY}"
    return {name for (name,) in database.run(statement, repeatable=True)}

"""Bring the schema up to date: peewee-migrate over migrations/, in one transaction under a lock.

Never called while requests are served, nor in a worker: peewee-migrate patches Peewee for the whole process while it
replays the migrations that have been run.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any, Final

import peewee
import psycopg2.errors

from api.errors import SchemaUnreadable
from api.postgres.database import Database
from api.postgres.database_url import connection_parameters
from api.postgres.errors import DatabaseUnavailable
from api.settings import SettingsError

MIGRATIONS: Final = Path(__file__).resolve().parent.parent / "migrations"

LOCK: Final = 7_236_017_112
"""Key of the advisory lock: any number, but the same in all versions of the service."""

CONNECT_TIMEOUT: Final = "10"
"""Seconds, unless the URL sets it. No request waits meanwhile, and a suspended database takes some to resume."""

_FILE_NAME: Final = re.compile(r"\d{3}_[^.]+\.py")
"""The file names that peewee-migrate takes for migrations."""

_quiet: Final = logging.getLogger(f"{__name__}.router")
_quiet.setLevel(logging.CRITICAL)


class MigrationDatabase(peewee.PostgresqlDatabase):
    """Peewee's database at `url`, for migrations. They read `users_table`: the table that tasks refer to."""

    def __init__(self, url: str, users_table: str) -> None:
        parameters: dict[str, Any] = dict(connection_parameters(url, connect_timeout=CONNECT_TIMEOUT))
        super().__init__(parameters.pop("dbname"), **parameters)
        self.users_table = users_table


def migrate(database: Database, users_table: str) -> list[str]:
    """Run the pending migrations, all or none, and return their names.

    Raises SettingsError if tasks cannot refer to `users_table` or the user may not migrate; SchemaUnreadable;
    DatabaseUnavailable.
    """
    if not pending(database):
        return []
    # Most starts find nothing to do, and then save the time and memory of this package.
    from peewee_migrate import Router  # noqa: PLC0415
    from peewee_migrate.logs import logger as statement_logger  # noqa: PLC0415

    connection = MigrationDatabase(database.url, users_table)
    statement_logger.setLevel(logging.WARNING)
    try:
        with connection.connection_context(), connection.atomic():
            # Of two processes that start at once, the second waits here and then finds nothing to do.
            connection.execute_sql("SELECT pg_advisory_xact_lock(%s)", (LOCK,))  # type: ignore[no-untyped-call]
            router = Router(connection, MIGRATIONS, logger=_quiet)
            done: list[str] = router.run()
    except (peewee.OperationalError, peewee.InterfaceError) as ex:
        raise DatabaseUnavailable("migration") from ex
    except peewee.DatabaseError as ex:
        # Usually its user may not create tables.
        reason = str(ex).partition("\n")[0]
        raise SettingsError(f"DATABASE_URL: the schema cannot be migrated: {reason}") from ex
    except ValueError as ex:
        raise SettingsError(f"USERS_TABLE: {ex}") from ex
    return done


def pending(database: Database) -> list[str]:
    """The names of migrations that have not been run, in order: one SELECT, cheap enough for every `/ready`.

    Raises SchemaUnreadable, and what `Database.run` raises.
    """
    names = sorted(file.stem for file in MIGRATIONS.iterdir() if _FILE_NAME.fullmatch(file.name))
    try:
        rows = database.run("SELECT name FROM migratehistory", repeatable=True)
    except psycopg2.errors.UndefinedTable:
        return names
    except psycopg2.errors.InsufficientPrivilege as ex:
        raise SchemaUnreadable(str(ex)) from ex
    done = {name for (name,) in rows}
    return [name for name in names if name not in done]

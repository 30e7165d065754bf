"""Bring the schema up to date: peewee-migrate over migrations/, in one transaction under a lock.

What a migration does stands in its own file. Never called beside traffic, nor in a worker: to replay the migrations
that are done, peewee-migrate patches Peewee process-wide.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Final

import peewee
import psycopg2.errors

from api.errors import DatabaseUnavailable, SchemaUnreadable
from api.postgres.database import Database
from api.settings import SettingsError

MIGRATIONS: Final = Path(__file__).resolve().parent.parent / "migrations"

LOCK: Final = 7_236_017_112
"""Key of the advisory lock. Any number will do that all versions of the service share."""

_FILE_NAME: Final = re.compile(r"\d{3}_[^.]+\.py")
"""What peewee-migrate takes for a migration."""

_quiet: Final = logging.getLogger(f"{__name__}.router")
_quiet.setLevel(logging.CRITICAL)


def migrate(database: Database, users_table: str) -> list[str]:
    """Run the migrations that have not been run, all or none, and return their names.

    `users_table` is the table that tasks refer to. Raises SettingsError if it cannot be that, or if the database's user
    may not create tables; SchemaUnreadable; DatabaseUnavailable.
    """
    if not pending(database):
        return []
    # Most starts find nothing to do, and then do without this package's time and memory.
    from peewee_migrate import Router  # noqa: PLC0415
    from peewee_migrate.logs import logger as statement_logger  # noqa: PLC0415

    pool = database.peewee
    pool.users_table = users_table
    statement_logger.setLevel(logging.WARNING)
    try:
        with pool.connection_context(), pool.atomic():
            # Of two processes that start at once the second waits here, then finds nothing left to do.
            pool.execute_sql("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            router = Router(pool, MIGRATIONS, logger=_quiet)
            done: list[str] = router.run()
    except (peewee.OperationalError, peewee.InterfaceError) as ex:
        raise DatabaseUnavailable("migration") from ex
    except peewee.DatabaseError as ex:
        # As a rule its user may not create tables.
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

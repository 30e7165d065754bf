"""What a database must be for the service to use it. Every check only reads, and each refusal says what to do.

migrate.py finds the rest by migrating: what stands in the way of tables that are not there yet.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Final, NamedTuple

from api.postgres.database import Database
from api.postgres.database_url import describe
from api.postgres.errors import ConnectionFailed, DatabaseUnavailable
from api.postgres.first_connection import connect_first
from api.settings import Settings, SettingsError
from api.tasks import MEND_IDS
from api.users_table import UsersTable, quote_table

_SERVER: Final = """
SELECT current_setting('server_version'), current_setting('server_version_num')::int,
       current_setting('max_connections')::int, current_setting('server_encoding'),
       current_setting('transaction_read_only') = 'on', pg_is_in_recovery()
"""

MIN_VERSION: Final = 150_000
"""PostgreSQL 15: older versions are not tested."""

_STATE: Final = """
SELECT current_setting('transaction_read_only') = 'off',
       to_regclass('tasks') IS NOT NULL AND to_regclass('idempotency_keys') IS NOT NULL
"""

_TABLES: Final = """
SELECT name FROM (VALUES ('tasks'), ('idempotency_keys')) AS ours (name)
WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass(name) AND relkind IN ('r', 'p'))
"""

# Without a foreign key, as in a distributed database whose operator dropped it, there is nothing to compare.
_REFERRED: Final = """
SELECT CASE WHEN pg_table_is_visible(confrelid) THEN relname ELSE relnamespace::regnamespace || '.' || relname END
FROM pg_constraint JOIN pg_class ON pg_class.oid = confrelid
WHERE conrelid = to_regclass('tasks') AND contype = 'f' AND confrelid IS DISTINCT FROM to_regclass(%s)
"""

_MISSING_PRIVILEGES: Final = """
SELECT string_agg(privilege || ' ON ' || name, ', ')
FROM unnest(%s::text[], %s::text[]) AS needed (name, privileges), unnest(string_to_array(privileges, ', ')) AS privilege
WHERE NOT has_table_privilege(to_regclass(name), privilege)
"""

_SEQUENCE: Final = """
SELECT sequence, has_sequence_privilege(sequence, 'USAGE'), seqmin
FROM pg_get_serial_sequence('tasks', 'id') AS sequence LEFT JOIN pg_sequence ON seqrelid = sequence::regclass
"""

# The sequence is read after the snapshot in which the tasks are, so creates beside this do not make it look behind.
# Each node of a distributed database takes its ids from a range of its own.
_IDS_BEHIND: Final = """
SELECT max(id) > coalesce(pg_sequence_last_value(%s::regclass), 0) FROM tasks WHERE id >= %s AND id < %s
"""

_IDS_OF_A_NODE: Final = 2**48

_NOT_OWNED: Final = """
SELECT string_agg(name, ', ') FROM unnest(%s::text[]) AS name JOIN pg_class ON oid = to_regclass(name)
WHERE NOT pg_has_role(relowner, 'USAGE')
"""


class ServerFacts(NamedTuple):
    """A server that the service can use."""

    version: str
    max_connections: int


class DatabaseState(NamedTuple):
    """What `/ready` asks a database each time."""

    writable: bool
    has_tables: bool


def read_state(database: Database) -> DatabaseState:
    """The state, by one cheap statement. Raises what `Database.run` raises."""
    [state] = database.run(_STATE, repeatable=True)
    return DatabaseState(*state)


def check_server(url: str) -> ServerFacts:
    """Connect, and check what no table depends on.

    Raises ConnectionFailed, also for a server that takes no writes: it may be about to be promoted; SettingsError.
    """
    with contextlib.closing(connect_first(url)) as connection, connection.cursor() as cursor:
        cursor.execute(_SERVER)
        version, number, max_connections, encoding, read_only, standby = cursor.fetchone()
    where = describe(url)
    if number < MIN_VERSION:
        raise SettingsError(f"DATABASE_URL: {where} is PostgreSQL {version}; the service needs version 15 or newer")
    if encoding != "UTF8":
        raise SettingsError(
            f"DATABASE_URL: the encoding of {where} is {encoding}; "
            "create a database with ENCODING 'UTF8' TEMPLATE template0"
        )
    if standby:
        raise ConnectionFailed(f"{where} is a standby, which is read-only; name the primary", lasting=False)
    if read_only:
        raise ConnectionFailed(
            f"{where} is read-only; name the primary, or RESET default_transaction_read_only", lasting=False
        )
    return ServerFacts(version, max_connections)


def check_tables(database: Database, settings: Settings, users_table: UsersTable, *, will_migrate: bool) -> None:
    """Check the tables that an earlier start made. Raises SettingsError, and what `Database.run` raises."""
    _check_presence(database)
    _check_reference(database, settings.users_table, users_table)
    needed = {"tasks": "SELECT, INSERT, UPDATE, DELETE", "idempotency_keys": "SELECT, INSERT, UPDATE, DELETE"}
    if users_table.ours:
        needed[quote_table(settings.users_table)] = "SELECT, INSERT"
    _check_privileges(database, needed)
    _check_ids(database)
    if will_migrate:
        _check_ownership(database, list(needed))


def _check_presence(database: Database) -> None:
    missing = ", ".join(name for (name,) in database.run(_TABLES, repeatable=True))
    if missing:
        raise SettingsError(
            f"DATABASE_URL: no table {missing}, although its migration has been run; restore it from a backup, "
            "or DROP TABLE tasks_migrations and what is left of our tables to start with none"
        )


def _check_reference(database: Database, name: str, users_table: UsersTable) -> None:
    for (referred,) in database.run(_REFERRED, (quote_table(name),), repeatable=True):
        found = "" if users_table.exists else f"there is no table {name}, and "
        raise SettingsError(
            f"USERS_TABLE: {found}the stored tasks refer to table {referred}; set USERS_TABLE={referred}"
        )


def _check_privileges(database: Database, needed: Mapping[str, str]) -> None:
    parameters = (list(needed), list(needed.values()))
    [(on_tables,)] = database.run(_MISSING_PRIVILEGES, parameters, repeatable=True)
    [(sequence, may_use, _)] = database.run(_SEQUENCE, repeatable=True)
    on_sequence = None if sequence is None or may_use else f"USAGE ON SEQUENCE {sequence}"
    missing = ", ".join(filter(None, (on_tables, on_sequence)))
    if missing:
        raise SettingsError(f"DATABASE_URL: its user may not write; GRANT {missing} TO it")


def _check_ids(database: Database) -> None:
    [(sequence, _, first)] = database.run(_SEQUENCE, repeatable=True)
    if sequence is None:
        return
    try:
        behind = database.run(_IDS_BEHIND, (sequence, first, first + _IDS_OF_A_NODE), repeatable=True) == [(True,)]
    except DatabaseUnavailable:
        # One node of a distributed database that is down is no reason not to serve from the others.
        return
    if behind:
        mend = MEND_IDS.replace("tasks_id_seq", sequence)
        raise SettingsError(f"DATABASE_URL: the sequence of task ids is behind the stored tasks; run {mend}")


def _check_ownership(database: Database, tables: list[str]) -> None:
    [(foreign,)] = database.run(_NOT_OWNED, (tables,), repeatable=True)
    if foreign is not None:
        raise SettingsError(
            f"DATABASE_URL: its user does not own {foreign}, so it cannot migrate them; start once as the owner"
        )

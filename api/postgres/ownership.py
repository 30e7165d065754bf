"""The embedded database's ordinary role: it owns the database `tasks` and what is in it, and no more.

Up to version 0.1.0 the service used the superuser, who owned all. The first start of a later version moves that over.
"""

from __future__ import annotations

import contextlib
from typing import Final

import psycopg2

ROLE: Final = "tasks"

DATABASE: Final = "tasks"

LOCK_TIMEOUT: Final = "10s"
"""How long a change of owner waits for another session's transaction."""

_FIND_ROLE: Final = "SELECT FROM pg_roles WHERE rolname = 'tasks'"

_FIND_OWNER: Final = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'tasks'"

# The sequence of a column changes with its table, a row type with its relation; what an extension made stays its own.
_MOVE_OBJECTS: Final = """
DO $$
DECLARE
    change text;
BEGIN
    FOR change IN
        WITH mine AS (SELECT oid FROM pg_roles WHERE rolname = 'tasks'),
        spaces AS (
            SELECT oid, nspname FROM pg_namespace
            WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
        ),
        kept AS (SELECT classid, objid FROM pg_depend WHERE deptype IN ('e', 'a', 'i') AND objsubid = 0)
        SELECT format('ALTER SCHEMA %I OWNER TO tasks', nspname)
        FROM pg_namespace JOIN spaces USING (oid, nspname)
        WHERE nspowner = 10
        UNION ALL
        SELECT format('ALTER TABLE %s OWNER TO tasks', found.oid::regclass)
        FROM pg_class AS found JOIN spaces ON spaces.oid = relnamespace, mine
        WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND relowner <> mine.oid
          AND ('pg_class'::regclass, found.oid) NOT IN (SELECT classid, objid FROM kept)
        UNION ALL
        SELECT format('ALTER ROUTINE %s OWNER TO tasks', found.oid::regprocedure)
        FROM pg_proc AS found JOIN spaces ON spaces.oid = pronamespace, mine
        WHERE proowner <> mine.oid AND ('pg_proc'::regclass, found.oid) NOT IN (SELECT classid, objid FROM kept)
        UNION ALL
        SELECT format('ALTER TYPE %s OWNER TO tasks', found.oid::regtype)
        FROM pg_type AS found JOIN spaces ON spaces.oid = typnamespace, mine
        WHERE typowner <> mine.oid AND typtype IN ('d', 'e', 'r') AND typrelid = 0
          AND ('pg_type'::regclass, found.oid) NOT IN (SELECT classid, objid FROM kept)
    LOOP
        EXECUTE change;
    END LOOP;
END $$
"""


def give_to_role(maintenance_url: str, database_url: str) -> None:
    """Make the role, the database `tasks`, and the role the owner of that. Both URLs are the superuser's.

    Raises psycopg2.Error.
    """
    with contextlib.closing(psycopg2.connect(maintenance_url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(_FIND_ROLE)
        if cursor.rowcount == 0:
            cursor.execute("CREATE ROLE tasks LOGIN")
        cursor.execute(_FIND_OWNER)
        owner = cursor.fetchone()
        if owner is None:
            cursor.execute("CREATE DATABASE tasks OWNER tasks")
        elif owner != (ROLE,):
            cursor.execute("ALTER DATABASE tasks OWNER TO tasks")
    with contextlib.closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        cursor.execute(_MOVE_OBJECTS)

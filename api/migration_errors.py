"""What an operator does about an error that a migration meets: foreign tables in the way, and missing privileges."""

from __future__ import annotations

import re
from typing import Final

import peewee

_ADVICE: Final = (
    (
        r'relation "(?P<name>\w+)" already exists',
        "DATABASE_URL: table {name} is another application's; use a database of its own for this service, "
        "or rename that table",
    ),
    (
        r'type "(?P<name>\w+)" already exists',
        "DATABASE_URL: type {name} is another application's; use a database of its own for this service",
    ),
    (
        r"referenced relation .* is not a table",
        "USERS_TABLE: {users} is a view, and tasks must refer to a table; name the table behind it",
    ),
    (
        r"no unique constraint matching given keys",
        "USERS_TABLE: the column id of table {users} is not unique; ALTER TABLE {users} ADD PRIMARY KEY (id)",
    ),
    (
        r"permission denied for schema (?P<name>\S+)",
        "DATABASE_URL: its user may not create tables; GRANT CREATE, USAGE ON SCHEMA {name} TO it",
    ),
    (
        r"no schema has been selected",
        "DATABASE_URL: its user has no schema to create tables in; GRANT CREATE, USAGE ON SCHEMA public TO it",
    ),
    (
        r"permission denied for table (?P<name>\S+)",
        "DATABASE_URL: its user may not refer to table {name}; GRANT REFERENCES, SELECT ON {name} TO it",
    ),
    (
        r"must be owner of (table|relation) (?P<name>\S+)",
        "DATABASE_URL: its user does not own table {name}; start once as its owner, or ALTER TABLE {name} OWNER TO it",
    ),
)


def explain(error: peewee.DatabaseError, users_table: str) -> str:
    """One line for the operator. PostgreSQL's own words if they are not known here."""
    reason = str(error).partition("\n")[0]
    for pattern, advice in _ADVICE:
        found = re.search(pattern, reason)
        if found is not None:
            return advice.format(users=users_table, **found.groupdict())
    return f"DATABASE_URL: the schema cannot be migrated: {reason}"

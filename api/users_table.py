"""The users table that tasks refer to: what is known of it, and how a missing user gets a row. No HTTP.

It is ours if our first migration made it. Another one, such as Better Auth's, existed before: it is referenced, and
never altered or written.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from api.errors import UnknownUser
from api.models import User
from api.postgres.database import Database
from api.postgres.statements import Parameter, render
from api.tokens import Identity

# The constraint that our migrations gave the table: a distributed database has it on every node, a comment on one.
# Version 0.1.0 gave it the comment alone.
_FACTS: Final = """
SELECT found."table" IS NOT NULL,
       found."table" = to_regclass('users') AND (
           EXISTS (SELECT FROM pg_constraint WHERE conrelid = found."table" AND conname = 'users_of_tasks_backend')
           OR coalesce(obj_description(found."table", 'pg_class') = 'Users of the tasks backend', false)),
       (SELECT format_type(atttypid, NULL) FROM pg_attribute
        WHERE attrelid = found."table" AND attname = 'id' AND NOT attisdropped)
FROM to_regclass(%s) AS found ("table")
"""

_PROVISION: Final = render(
    User.insert({column: Parameter(column.name) for column in (User.id, User.email, User.name)}).on_conflict_ignore()
)


class UsersTable(NamedTuple):
    """What is known of the users table. `ours`: the service may write to it; `uuid_ids`: its ids are no other text."""

    exists: bool
    ours: bool
    uuid_ids: bool


def quote_table(name: str) -> str:
    """The name of a table, or `schema.table`, in SQL."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))


def read_users_table(database: Database, name: str) -> UsersTable:
    """The facts about the table of this name, by one statement. Raises what `Database.run` raises."""
    [(exists, ours, id_type)] = database.run(_FACTS, (quote_table(name),), repeatable=True)
    return UsersTable(exists, bool(ours), id_type == "uuid")


class Provisioning:
    """Inserts the row of a user who is known only by a verified token."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def provision(self, identity: Identity) -> None:
        """Insert the row; does nothing if another request has just inserted it."""
        values = {"id": identity.user_id, "email": identity.email, "name": identity.name}
        _PROVISION.run(self._database, values, repeatable=True)


class NoProvisioning:
    """Rows are inserted by another program, or by nobody: a user without one is unknown."""

    def provision(self, identity: Identity) -> None:
        """Always raises UnknownUser."""
        raise UnknownUser

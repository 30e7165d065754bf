"""The users table that tasks refer to: what is known of it, who has a row, and how a missing user gets one. No HTTP.

It is ours if our first migration made it. Another one, such as Better Auth's, existed before: it is referenced, and
never altered or written.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple
from uuid import UUID

import psycopg2
from peewee import Table as PeeweeTable

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
_IS_ENABLED: Final = "SELECT 1 FROM users WHERE id = %s AND disabled_at IS NULL"
_EXISTS: Final = "SELECT 1 FROM {} WHERE id = %s"

REMEMBERED_USERS: Final = 10_000
"""Users of whom a process remembers that they have a row: some 2 MB."""


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


def is_canonical_uuid(user_id: str) -> bool:
    """Whether the id is a UUID in PostgreSQL's spelling. Other programs take another spelling for another user."""
    try:
        return str(UUID(user_id)) == user_id
    except ValueError:
        return False


class UserNames:
    """Finds a user's e-mail and name in the users table, or in the token if the table does not have them."""

    def __init__(self, database: Database, table: str) -> None:
        self._database = database
        schema, _, name = table.rpartition(".")
        users = PeeweeTable(name, schema=schema or None)
        self._find = render(users.select(users.c.email, users.c.name).where(users.c.id == Parameter("id")))

    def find(self, identity: Identity) -> Identity:
        """The user with the present e-mail and name."""
        try:
            rows = self._find.run(self._database, {"id": identity.user_id}, repeatable=True)
        except psycopg2.ProgrammingError:
            return identity
        return replace(identity, email=rows[0][0], name=rows[0][1]) if rows else identity


class Users:
    """The rows of the table `name`; where `ours`, those of disabled accounts do not count.

    With `provision` a user who is known only by a verified token gets a row with the first task.
    """

    def __init__(self, database: Database, name: str, *, ours: bool, provision: bool) -> None:
        self._database = database
        self._provision = provision
        self._find = _IS_ENABLED if ours else _EXISTS.format(quote_table(name).replace("%", "%%"))
        self._known: set[str] = set()

    def require(self, user: Identity) -> None:
        """Make sure, before a create, that the user has a row, as far as this process remembers.

        An insert that lacks the row would be an error, and PostgreSQL would log the task with it. A token that this
        service issued makes no row: its account had one. Nothing is written for a user who has a row: on a distributed
        PostgreSQL a write to this table needs all nodes. Raises UnknownUser.
        """
        if user.user_id in self._known:
            return
        if not self._exists(user):
            if not self._provision or user.logged_in_at is not None:
                raise UnknownUser
            values = {"id": user.user_id, "email": user.email, "name": user.name}
            _PROVISION.run(self._database, values, repeatable=True)
        if len(self._known) >= REMEMBERED_USERS:
            self._known.clear()
        self._known.add(user.user_id)

    def forget(self, user: Identity) -> None:
        """Remember no longer that the user has a row."""
        self._known.discard(user.user_id)

    def confirm(self, user: Identity) -> None:
        """Make sure, when a call has found nothing, that a local account is still there. Raises UnknownUser."""
        if user.logged_in_at is not None and not self._exists(user):
            raise UnknownUser

    def _exists(self, user: Identity) -> bool:
        return bool(self._database.run(self._find, (user.user_id,), repeatable=True, prepared=True))

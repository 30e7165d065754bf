"""Users, tasks and idempotency keys.

A users table that exists already is somebody else's: it is referenced and never altered. Ours carries a comment
that says so, which is how the service tells the two apart later.
"""

from __future__ import annotations

from typing import Any

from peewee_migrate import Migrator

OURS = "Users of the tasks backend"
OUR_NAME = "users"

CREATE_USERS = """
CREATE TABLE {users} (
    id text PRIMARY KEY CHECK (char_length(id) BETWEEN 1 AND 255),
    email text,
    name text,
    password_hash text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (password_hash IS NULL OR email IS NOT NULL)
)
"""

# Local accounts only: e-mails of users that an auth server keeps are that server's business.
CREATE_USERS_INDEX = """
CREATE UNIQUE INDEX users_local_email ON {users} (lower(email)) WHERE password_hash IS NOT NULL
"""

CREATE_TASKS = """
CREATE TABLE tasks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id {id_type} NOT NULL REFERENCES {users} (id) ON DELETE CASCADE,
    title text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 500),
    description text CHECK (char_length(description) <= 10000),
    completed boolean NOT NULL DEFAULT false,
    due_at timestamptz CHECK (due_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'),
    due_all_day boolean NOT NULL DEFAULT false,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (NOT due_all_day OR (due_at IS NOT NULL AND (due_at AT TIME ZONE 'UTC')::time = '00:00'))
)
"""

# Every index is led by user_id: no query of one user's tasks ever walks another's. The sort keys are those of
# api/task_list.py. A long title is indexed by its beginning, for a B-tree entry must stay below 2,704 bytes.
CREATE_INDEXES = """
CREATE INDEX tasks_by_created ON tasks (user_id, created_at, id);
CREATE INDEX tasks_by_completed ON tasks (user_id, completed, created_at, id);
CREATE INDEX tasks_by_updated ON tasks (user_id, updated_at, id);
CREATE INDEX tasks_by_title ON tasks (user_id, "left"(lower(title), 400), id);
CREATE INDEX tasks_by_due_ascending ON tasks (user_id, coalesce(due_at, 'infinity'), id);
CREATE INDEX tasks_by_due_descending ON tasks (user_id, coalesce(due_at, '-infinity'), id);
"""

CREATE_IDEMPOTENCY_KEYS = """
CREATE TABLE idempotency_keys (
    user_id {id_type} NOT NULL REFERENCES {users} (id) ON DELETE CASCADE,
    key text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
    fingerprint bytea NOT NULL,
    answer jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
"""

FIND_USERS_ID = """
SELECT format_type(atttypid, NULL) FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attname = 'id' AND NOT attisdropped
"""

TABLE_EXISTS = "SELECT to_regclass(%s) IS NOT NULL"

ID_TYPES = {"text": "text", "character varying": "text", "uuid": "uuid"}


def migrate(migrator: Migrator, database: Any, *, fake: bool = False) -> None:
    if fake:
        return
    users = database.quoted_users_table
    id_type = find_users_id_type(database)
    if id_type is None:
        if database.users_table != OUR_NAME:
            # An auth server that is set up after this would find its table's name taken.
            raise LookupError(
                f"no table {database.users_table}; let your auth server create it first, or unset USERS_TABLE"
            )
        database.execute_sql(CREATE_USERS.format(users=users))
        database.execute_sql(CREATE_USERS_INDEX.format(users=users))
        database.execute_sql(f"COMMENT ON TABLE {users} IS '{OURS}'")
        id_type = "text"
    for statement in (CREATE_TASKS, CREATE_INDEXES, CREATE_IDEMPOTENCY_KEYS):
        database.execute_sql(statement.format(users=users, id_type=id_type))


def rollback(migrator: Migrator, database: Any, *, fake: bool = False) -> None:
    database.execute_sql("DROP TABLE idempotency_keys; DROP TABLE tasks")
    if fake or is_ours(database):
        database.execute_sql(f"DROP TABLE {database.quoted_users_table}")


def find_users_id_type(database: Any) -> str | None:
    """The column type that refers to the users table's id; None where there is no such table."""
    if not database.execute_sql(TABLE_EXISTS, (database.quoted_users_table,)).fetchone()[0]:
        return None
    row = database.execute_sql(FIND_USERS_ID, (database.quoted_users_table,)).fetchone()
    if row is None or row[0] not in ID_TYPES:
        found = "has no column id" if row is None else f"has a column id of type {row[0]}"
        raise ValueError(
            f"table {database.users_table} {found}, and tasks need one that is text or uuid; "
            "name your auth server's table, or use a database of its own for this service"
        )
    return ID_TYPES[row[0]]


def is_ours(database: Any) -> bool:
    comment = "SELECT obj_description(to_regclass(%s), 'pg_class')"
    return bool(database.execute_sql(comment, (database.quoted_users_table,)).fetchone()[0] == OURS)

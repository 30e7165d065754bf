"""Folded text, further fields, fewer and cheaper index writes, statements for one shard.

Everything here takes a moment, whatever the number of tasks; what takes longer is left to api/upgrade.py, which the
service runs beside traffic. Each row of users is read once, for the index on local e-mails. The version before this one
goes on serving: its columns stay, and it fills none of the new ones. Table checks become domains, which PostgreSQL
evaluates only for columns that a statement assigns.
"""

from __future__ import annotations

from typing import Any

from peewee_migrate import Migrator

DOMAINS = """
CREATE DOMAIN task_title AS text;
CREATE DOMAIN task_description AS text;
CREATE DOMAIN task_due_at AS timestamptz;
CREATE DOMAIN task_extra AS jsonb;
CREATE DOMAIN idempotency_key AS text;
"""

# No index may contain a column whose type changes: it would be built anew under the lock.
DROP_INDEXES = """
DROP INDEX tasks_by_created;
DROP INDEX tasks_by_title;
DROP INDEX tasks_by_due_ascending;
DROP INDEX tasks_by_due_descending;
"""

ALTER_TASKS = """
ALTER TABLE tasks
    DROP CONSTRAINT tasks_title_check,
    DROP CONSTRAINT tasks_description_check,
    DROP CONSTRAINT tasks_due_at_check,
    DROP CONSTRAINT tasks_check,
    ALTER title TYPE task_title,
    ALTER description TYPE task_description,
    ALTER due_at TYPE task_due_at,
    ADD title_folded text COLLATE "C",
    ADD description_folded text COLLATE "C",
    ADD folded_version integer,
    ADD extra task_extra
"""

# Stored rows have passed the same checks already, so none of them is read.
CHECKS = """
ALTER DOMAIN task_title ADD CONSTRAINT title_length CHECK (char_length(VALUE) BETWEEN 1 AND 500) {not_valid};
ALTER DOMAIN task_description ADD CONSTRAINT description_length CHECK (char_length(VALUE) <= 10000) {not_valid};
ALTER DOMAIN task_due_at ADD CONSTRAINT due_at_range
    CHECK (VALUE BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00') {not_valid};
ALTER DOMAIN task_extra ADD CONSTRAINT extra_size CHECK (octet_length(VALUE::text) <= 4096) {not_valid};
ALTER DOMAIN idempotency_key ADD CONSTRAINT key_length CHECK (char_length(VALUE) BETWEEN 1 AND 255) {not_valid};
"""

# Past 2^53 - 1 JavaScript's numbers skip integers. A default, not an identity: such a table cannot be distributed.
NUMBER_TASKS = """
ALTER TABLE tasks ALTER id DROP IDENTITY;
CREATE SEQUENCE tasks_id_seq MAXVALUE 9007199254740991 OWNED BY tasks.id;
SELECT setval('tasks_id_seq', greatest(max(id), 1), max(id) IS NOT NULL) FROM tasks;
ALTER TABLE tasks ALTER id SET DEFAULT nextval('tasks_id_seq');
"""

ALTER_KEYS = """
ALTER TABLE idempotency_keys
    DROP CONSTRAINT idempotency_keys_key_check,
    ALTER key TYPE idempotency_key,
    ALTER answer DROP NOT NULL,
    ADD task_id bigint,
    ADD task_created_at timestamptz
"""

# A constraint's name is on every node of a distributed database, which a comment is not.
ALTER_USERS = """
ALTER TABLE {users} RENAME CONSTRAINT {old} TO users_of_tasks_backend;
ALTER TABLE {users} ADD email_folded text COLLATE "C";
CREATE UNIQUE INDEX users_local_email_folded ON {users} (email_folded) WHERE password_hash IS NOT NULL
"""

FIND_USERS_CHECK = """
SELECT conname FROM pg_constraint
WHERE conrelid = to_regclass(%s) AND contype = 'c' AND cardinality(conkey) = 2
  AND obj_description(conrelid, 'pg_class') = 'Users of the tasks backend'
"""

# What api/upgrade.py makes beside traffic where there are more tasks than this.
SMALL = 10_000

CREATE_INDEXES = """
CREATE INDEX tasks_to_fold ON tasks (user_id, id) WHERE {to_fold};
CREATE INDEX tasks_by_title ON tasks (user_id, (CASE
    WHEN octet_length(title) = char_length(title) THEN left(lower(title COLLATE "C"), 400)
    WHEN folded_version = version THEN left(title_folded, 400) END));
CREATE INDEX tasks_by_due_date ON tasks (user_id, coalesce(due_at, 'infinity'), id)
"""

TO_FOLD = """
folded_version IS DISTINCT FROM version
AND (octet_length(title) <> char_length(title) OR octet_length(description) <> char_length(description))
"""


FIND_USERS_MARK = """
SELECT 1 FROM pg_constraint
WHERE conrelid = to_regclass(%s) AND conname = 'users_of_tasks_backend'
"""

RESTORE_TASKS = """
DROP INDEX IF EXISTS tasks_to_fold, tasks_by_title, tasks_by_due_date;
ALTER TABLE tasks
    DROP title_folded, DROP description_folded, DROP folded_version, DROP extra,
    ALTER title TYPE text, ALTER description TYPE text, ALTER due_at TYPE timestamptz,
    ADD CONSTRAINT tasks_title_check CHECK (char_length(title) BETWEEN 1 AND 500),
    ADD CONSTRAINT tasks_description_check CHECK (char_length(description) <= 10000),
    ADD CONSTRAINT tasks_due_at_check
        CHECK (due_at BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'),
    ADD CONSTRAINT tasks_check
        CHECK (NOT due_all_day OR (due_at IS NOT NULL AND (due_at AT TIME ZONE 'UTC')::time = '00:00')),
    ALTER id DROP DEFAULT;
DROP SEQUENCE tasks_id_seq;
ALTER TABLE tasks ALTER id ADD GENERATED ALWAYS AS IDENTITY;
SELECT setval(pg_get_serial_sequence('tasks', 'id'), greatest(max(id), 1), max(id) IS NOT NULL) FROM tasks;
CREATE INDEX tasks_by_created ON tasks (user_id, created_at, id);
CREATE INDEX tasks_by_title ON tasks (user_id, "left"(lower(title), 400), id);
CREATE INDEX tasks_by_due_ascending ON tasks (user_id, coalesce(due_at, 'infinity'), id);
CREATE INDEX tasks_by_due_descending ON tasks (user_id, coalesce(due_at, '-infinity'), id)
"""

# A key without an answer cannot be replayed by the version that comes back.
RESTORE_KEYS = """
DELETE FROM idempotency_keys WHERE answer IS NULL;
ALTER TABLE idempotency_keys
    DROP task_id, DROP task_created_at,
    ALTER answer SET NOT NULL,
    ALTER key TYPE text,
    ADD CONSTRAINT idempotency_keys_key_check CHECK (char_length(key) BETWEEN 1 AND 255)
"""

RESTORE_USERS = """
ALTER TABLE {users} RENAME CONSTRAINT users_of_tasks_backend TO users_check;
ALTER TABLE {users} DROP email_folded
"""

DROP_DOMAINS = "DROP DOMAIN task_title, task_description, task_due_at, task_extra, idempotency_key"


def migrate(migrator: Migrator, database: Any, *, fake: bool = False) -> None:
    if fake:
        return
    is_small = database.execute_sql(f"SELECT count(*) <= {SMALL} FROM (SELECT 1 FROM tasks LIMIT {SMALL + 1}) t")
    statements = [DOMAINS, DROP_INDEXES, ALTER_TASKS, CHECKS.format(not_valid="NOT VALID"), NUMBER_TASKS, ALTER_KEYS]
    if is_small.fetchone()[0]:
        statements.append(CREATE_INDEXES.format(to_fold=TO_FOLD))
    users_check = database.execute_sql(FIND_USERS_CHECK, (database.quoted_users_table,)).fetchone()
    if users_check is not None:
        users = database.quoted_users_table
        statements.append(ALTER_USERS.format(users=users, old=users_check[0]))
    for statement in statements:
        database.execute_sql(statement)


def rollback(migrator: Migrator, database: Any, *, fake: bool = False) -> None:
    users = database.quoted_users_table
    for statement in RESTORE_TASKS, RESTORE_KEYS:
        database.execute_sql(statement)
    if database.execute_sql(FIND_USERS_MARK, (database.quoted_users_table,)).fetchone() is not None:
        database.execute_sql(RESTORE_USERS.format(users=users))
    database.execute_sql(DROP_DOMAINS)

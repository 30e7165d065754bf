"""Local accounts: known addresses, disabling, signing out, and the highest cost of the stored password hashes.

It takes a moment: the columns may be null, the table is new, and the index reads each local account once. Where the
users table is another program's there is nothing to do. The version before goes on serving: it lets a disabled account
log in.
"""

from __future__ import annotations

from typing import Any

from peewee_migrate import Migrator

ALTER_USERS = "ALTER TABLE {users} ADD disabled_at timestamptz, ADD signed_out_at timestamptz"

# bcrypt's notation begins with its version and cost: $2b$12$
CREATE_INDEX = """
CREATE INDEX users_by_password_cost ON {users} ("left"(password_hash, 7) COLLATE "C") WHERE password_hash IS NOT NULL
"""

CREATE_ADDRESSES = """
CREATE TABLE account_addresses (
    user_id text NOT NULL REFERENCES {users} (id) ON DELETE CASCADE,
    digest bytea NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, digest)
);
CREATE INDEX account_addresses_by_age ON account_addresses (seen_at)
"""

DROP = """
DROP TABLE account_addresses;
DROP INDEX users_by_password_cost;
ALTER TABLE {users} DROP disabled_at, DROP signed_out_at
"""

IS_OURS = """
SELECT 1 FROM pg_constraint
WHERE conrelid = to_regclass(quote_ident(%s)) AND conname = 'users_of_tasks_backend'
"""


def migrate(migrator: Migrator, database: Any, *, fake: bool = False) -> None:
    if not fake:
        run(database, ALTER_USERS, CREATE_INDEX, CREATE_ADDRESSES)


def rollback(migrator: Migrator, database: Any, *, fake: bool = False) -> None:
    if not fake:
        run(database, DROP)


def run(database: Any, *statements: str) -> None:
    if database.execute_sql(IS_OURS, (database.users_table,)).fetchone() is not None:
        users = '"' + database.users_table.replace('"', '""') + '"'
        for statement in statements:
            database.execute_sql(statement.format(users=users))

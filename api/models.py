"""The tables, as Peewee models: columns and types. No HTTP, no queries; DDL, indexes and CHECKs are in migrations/."""

from __future__ import annotations

import peewee
from playhouse.postgres_ext import BinaryJSONField, DateTimeTZField


class _Table(peewee.Model):
    class Meta:
        legacy_table_names = False


class User(_Table):
    """A row of our users table: a local account if it has a password hash, else made from a verified token's claims.

    If USERS_TABLE names another program's table, this one does not exist and is not used.
    """

    id = peewee.TextField(primary_key=True)
    email = peewee.TextField(null=True)
    email_folded = peewee.TextField(null=True)
    name = peewee.TextField(null=True)
    password_hash = peewee.TextField(null=True)
    disabled_at = DateTimeTZField(null=True)
    signed_out_at = DateTimeTZField(null=True)
    """Tokens of log-ins before this time are not renewed."""
    created_at = DateTimeTZField()
    updated_at = DateTimeTZField()

    class Meta:
        table_name = "users"


class AccountAddress(_Table):
    """An address that a local account has logged in from, as a keyed digest. Exists if the users table is ours."""

    user_id = peewee.TextField()
    digest = peewee.BlobField()
    seen_at = DateTimeTZField()

    class Meta:
        table_name = "account_addresses"
        primary_key = peewee.CompositeKey("user_id", "digest")


class Task(_Table):
    """A user's task. `due_at` is an instant; where `due_all_day`, it is midnight in UTC of a calendar date."""

    id = peewee.BigAutoField()
    user_id = peewee.TextField()
    title = peewee.TextField()
    description = peewee.TextField(null=True)
    completed = peewee.BooleanField()
    due_at = DateTimeTZField(null=True)
    due_all_day = peewee.BooleanField()
    version = peewee.IntegerField()
    created_at = DateTimeTZField()
    updated_at = DateTimeTZField()
    title_folded = peewee.TextField(null=True)
    description_folded = peewee.TextField(null=True)
    folded_version = peewee.IntegerField(null=True)
    extra = BinaryJSONField(null=True)

    class Meta:
        table_name = "tasks"


class IdempotencyKey(_Table):
    """A key that a create was made with: a digest of what was asked, and the task that was made.

    The rest of the first response is in the request that repeats it. `answer` holds it for the version before this one.
    """

    user_id = peewee.TextField()
    key = peewee.TextField()
    fingerprint = peewee.BlobField()
    task_id = peewee.BigIntegerField(null=True)
    task_created_at = DateTimeTZField(null=True)
    answer = BinaryJSONField(null=True)
    created_at = DateTimeTZField()

    class Meta:
        table_name = "idempotency_keys"
        primary_key = peewee.CompositeKey("user_id", "key")

"""The tables: limits stand in the schema files and in CHECKs, and these tests hold the two together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg2.errors
import pytest

from api.models import AccountAddress, IdempotencyKey, Task, User
from api.postgres.database import Database
from api.validation import SCHEMAS

CREATE = SCHEMAS["task-create.json"]["properties"]
INSERT = "INSERT INTO tasks (user_id, title, description, due_at, due_all_day) VALUES ('ada', %s, %s, %s, %s)"


@pytest.fixture
def insert(database: Database) -> Callable[..., Any]:
    """Inserts a task past the API."""
    database.run("INSERT INTO users (id) VALUES ('ada')")

    def run(
        title: str = "a", description: str | None = None, due_at: str | None = None, *, all_day: bool = False
    ) -> Any:
        return database.run(INSERT, (title, description, due_at, all_day))

    return run


def test_text_at_the_limits_of_the_schemas_is_kept(insert: Callable[..., Any], database: Database) -> None:
    longest = "\U0001f600" * CREATE["title"]["maxLength"]
    insert(longest, "\U0001f600" * CREATE["description"]["maxLength"])
    assert database.run("SELECT char_length(title), char_length(description) FROM tasks") == [(500, 10_000)]


@pytest.mark.parametrize(
    ("title", "description"),
    [
        ("x" * (CREATE["title"]["maxLength"] + 1), None),
        ("", None),
        ("a", "x" * (CREATE["description"]["maxLength"] + 1)),
    ],
)
def test_text_past_the_limits_of_the_schemas_is_refused_by_the_table(
    insert: Callable[..., Any], title: str, description: str | None
) -> None:
    with pytest.raises(psycopg2.errors.CheckViolation):
        insert(title, description)


@pytest.mark.parametrize("due_at", ["10000-01-01 00:00:00+00", "0001-12-31 00:00:00+00 BC", "infinity"])
def test_the_table_refuses_a_due_date_that_no_response_can_show(insert: Callable[..., Any], due_at: str) -> None:
    with pytest.raises(psycopg2.errors.CheckViolation):
        insert(due_at=due_at)


def test_further_fields_take_4_kib_at_most(insert: Callable[..., Any], database: Database) -> None:
    insert()
    database.run("UPDATE tasks SET extra = jsonb_build_object('note', repeat('x', 4084))")
    assert database.run("SELECT octet_length(extra::text) FROM tasks") == [(4096,)]
    with pytest.raises(psycopg2.errors.CheckViolation):
        database.run("UPDATE tasks SET extra = jsonb_build_object('note', repeat('x', 4085))")


def test_a_task_needs_a_user(database: Database) -> None:
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        database.run(INSERT, ("a", None, None, False))


def test_a_users_tasks_and_keys_go_with_the_user(insert: Callable[..., Any], database: Database) -> None:
    insert()
    database.run("INSERT INTO idempotency_keys (user_id, key, fingerprint, answer) VALUES ('ada', 'k', '', '[]')")
    database.run("DELETE FROM users WHERE id = 'ada'")
    assert database.run("SELECT count(*) FROM tasks") == [(0,)]
    assert database.run("SELECT count(*) FROM idempotency_keys") == [(0,)]


def test_every_id_is_a_number_that_javascript_can_hold(insert: Callable[..., Any], database: Database) -> None:
    database.run("SELECT setval('tasks_id_seq', 9007199254740990)")
    insert()
    assert database.run("SELECT id FROM tasks") == [(9_007_199_254_740_991,)]
    with pytest.raises(psycopg2.errors.SequenceGeneratorLimitExceeded):
        insert()
    database.run("SELECT setval('tasks_id_seq', 1)")


def test_two_local_accounts_cannot_share_an_e_mail_in_any_case(database: Database) -> None:
    insert = "INSERT INTO users (id, email, password_hash) VALUES (%s, %s, %s)"
    database.run(insert, ("1", "Ada@Example.com", "hash"))
    database.run(insert, ("2", "ada@example.com", None))
    with pytest.raises(psycopg2.errors.UniqueViolation):
        database.run(insert, ("3", "ADA@example.COM", "hash"))


def test_the_longest_values_fit_into_every_index(database: Database) -> None:
    user_id = "\U0001f600" * 255
    database.run("INSERT INTO users (id) VALUES (%s)", (user_id,))
    database.run("INSERT INTO tasks (user_id, title) VALUES (%s, %s)", (user_id, "\U0001f601" * 500))
    assert database.run("SELECT count(*) FROM tasks WHERE user_id = %s", (user_id,)) == [(1,)]


@pytest.mark.parametrize("model", [User, Task, IdempotencyKey, AccountAddress])
def test_the_models_have_the_columns_of_the_tables(database: Database, model: Any) -> None:
    columns = database.run(
        "SELECT column_name, is_nullable = 'YES' FROM information_schema.columns WHERE table_name = %s",
        (model._meta.table_name,),
    )
    assert {(field.column_name, field.null) for field in model._meta.sorted_fields} == set(columns)


def test_two_local_accounts_cannot_share_a_folded_e_mail(database: Database) -> None:
    insert = "INSERT INTO users (id, email, email_folded, password_hash) VALUES (%s, %s, %s, %s)"
    database.run(insert, ("1", "straße@example.com", "strasse@example.com", "hash"))
    database.run(insert, ("2", "straße@example.com", "strasse@example.com", None))
    with pytest.raises(psycopg2.errors.UniqueViolation):
        database.run(insert, ("3", "STRASSE@example.com", "strasse@example.com", "hash"))


def test_every_index_of_the_tasks_is_led_by_the_user(database: Database) -> None:
    indexes = database.run("SELECT indexdef FROM pg_indexes WHERE tablename = 'tasks' AND indexname <> 'tasks_pkey'")
    assert len(indexes) >= 2
    for (definition,) in indexes:
        assert "(user_id, " in definition

"""Users named by tokens: the first write creates their rows, unless the users table existed before the service."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

import psycopg2
import pytest
from falcon.testing import TestClient

from api.migrate import migrate
from api.postgres.database import Database
from api.settings import SettingsError
from tests.support.callers import Caller, error_of
from tests.support.postgres import connect


class TestProvisioning:
    def test_the_first_write_creates_the_row_from_the_claims(
        self, make_user: Callable[..., Caller], database: Database
    ) -> None:
        user = make_user("ada", email="ada@example.com", name="Ada")

        assert user("GET", "/api/tasks").status_code == 200
        assert database.run("SELECT count(*) FROM users") == [(0,)]
        user.make_task("First")
        assert database.run("SELECT id, email, name, password_hash FROM users") == [
            ("ada", "ada@example.com", "Ada", None)
        ]

    def test_a_known_user_needs_no_further_statement(self, user: Caller, statements: list[str]) -> None:
        user.make_task("First")
        statements.clear()

        user.make_task("Second")

        assert len(statements) == 1

    def test_for_a_user_who_has_a_row_nothing_is_written_but_the_task(
        self,
        user: Caller,
        make_client: Callable[..., TestClient],
        make_user: Callable[..., Caller],
        statements: list[str],
    ) -> None:
        user.make_task("First")
        statements.clear()

        make_user(user.user_id, through=make_client()).make_task("Second")

        assert len(user.titles()) == 2
        assert [statement for statement in statements if 'INTO "users"' in statement] == []

    def test_missing_claims_are_stored_as_null(self, make_user: Callable[..., Caller], database: Database) -> None:
        make_user("ada").make_task("First")

        assert database.run("SELECT email, name FROM users") == [(None, None)]

    def test_emails_of_provisioned_users_need_not_be_unique(self, make_user: Callable[..., Caller]) -> None:
        for user_id in ("ada", "ben"):
            make_user(user_id, email="shared@example.com").make_task("Mine")

    def test_first_writes_at_the_same_instant_all_succeed(self, user: Caller, database: Database) -> None:
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda number: user.make_task(f"Task {number}"), range(6)))

        assert database.run("SELECT count(*) FROM users") == [(1,)]
        assert len(user.titles()) == 6

    @pytest.mark.parametrize("length", [1, 255])
    def test_ids_have_1_to_255_characters(self, make_user: Callable[..., Caller], length: int) -> None:
        assert make_user("é" * length).make_task("Mine")["user_id"] == "é" * length

    def test_the_longest_id_and_the_longest_texts_fit_together(self, make_user: Callable[..., Caller]) -> None:
        # No index entry may get too long: four bytes for each character, and random text that does not compress.
        characters = [chr(number) for number in random.Random(1).sample(range(0x10000, 0x110000), 755)]
        user = make_user("".join(characters[:255]))

        task = user.make_task("".join(characters[255:]), description="🦄" * 10_000)

        assert user("GET", f"/api/tasks/{task['id']}").json["data"] == task

    def test_with_provisioning_off_an_unknown_user_is_401(
        self, make_client: Callable[..., TestClient], make_user: Callable[..., Caller], database: Database
    ) -> None:
        user = make_user(through=make_client(PROVISION_USERS="off"))

        response = user("POST", "/api/tasks", {"title": "x"})

        assert error_of(response)[0] == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert database.run("SELECT count(*) FROM users") == [(0,)]
        database.run("INSERT INTO users (id) VALUES (%s)", (user.user_id,))
        user.make_task("x")


@dataclass
class ExistingUsers:
    """A database with an existing users table, and test clients of its application."""

    database: Database
    client: Callable[..., TestClient]


KINDS = {
    "text": ("text", "users", "Zx81"),
    "varchar": ("varchar(36)", "user", "Zx81"),
    "uuid": ("uuid", "Members", "0b8f3a52-6c1e-4b8e-9a0e-0d9a3c6b7e11"),
}


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> tuple[str, str, str]:
    """The type of the ids, the table's name, and a user in it."""
    return KINDS[request.param]


@pytest.fixture(scope="module")
def foreign_url(create_database: Callable[[], str], kind: tuple[str, str, str]) -> str:
    """A database that had its users table before the migrations ran."""
    id_type, table, _ = kind
    url = create_database()
    database = connect(url)
    database.run(
        f'CREATE TABLE "{table}" (id {id_type} PRIMARY KEY, email text UNIQUE NOT NULL, "emailVerified" boolean)'
    )
    migrate(database, table)
    database.close()
    return url


@pytest.fixture
def existing(
    foreign_url: str, client_over: Callable[..., TestClient], kind: tuple[str, str, str]
) -> Iterator[ExistingUsers]:
    _, table, user_id = kind
    database = connect(foreign_url)
    database.run(f'DELETE FROM "{table}"')
    database.run(f'INSERT INTO "{table}" VALUES (%s, %s, true)', (user_id, "ada@example.com"))
    yield ExistingUsers(database, partial(client_over, database, USERS_TABLE=table))
    database.close()


def described(database: Database, table: str) -> list[Any]:
    """Everything that could be altered: columns, indexes, constraints, comment and rows."""
    return [
        database.run(
            "SELECT column_name, data_type, column_default, is_nullable FROM information_schema.columns"
            " WHERE table_name = %s ORDER BY 1",
            (table,),
        ),
        database.run("SELECT indexdef FROM pg_indexes WHERE tablename = %s ORDER BY 1", (table,)),
        database.run("SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass", (f'"{table}"',)),
        database.run("SELECT obj_description(%s::regclass)", (f'"{table}"',)),
        database.run(f'SELECT ctid::text, xmin::text, * FROM "{table}"'),
    ]


class TestAnExistingUsersTable:
    def test_its_users_can_use_every_task_call(
        self, existing: ExistingUsers, kind: tuple[str, str, str], make_user: Callable[..., Caller]
    ) -> None:
        user = make_user(kind[2], through=existing.client())

        task = user.make_task("Mine")

        assert task["user_id"] == kind[2]
        assert user("PATCH", f"/api/tasks/{task['id']}/complete").json["data"]["completed"] is True
        assert user.titles(search="mine", sort="title", limit="1") == ["Mine"]
        again = {"Idempotency-Key": "k"}
        created = [user("POST", "/api/tasks", {"title": "Once"}, headers=again) for _ in range(2)]
        assert created[0].content == created[1].content
        assert user("DELETE", f"/api/tasks/{task['id']}").status_code == 204

    def test_it_is_never_altered_or_written(
        self, existing: ExistingUsers, kind: tuple[str, str, str], make_user: Callable[..., Caller]
    ) -> None:
        _, table, user_id = kind
        before = described(existing.database, table)
        client = existing.client()

        make_user(user_id, through=client, email="other@example.com", name="Other").make_task("Mine")
        stranger = make_user(str(uuid4()), through=client, email="new@example.com")
        response = stranger("POST", "/api/tasks", {"title": "x"})

        assert error_of(response)[0] == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert described(existing.database, table) == before

    def test_deleting_one_of_its_users_deletes_their_tasks(
        self, existing: ExistingUsers, kind: tuple[str, str, str], make_user: Callable[..., Caller]
    ) -> None:
        make_user(kind[2], through=existing.client()).make_task("Mine")

        existing.database.run(f'DELETE FROM "{kind[1]}"')

        assert existing.database.run("SELECT count(*) FROM tasks") == [(0,)]

    def test_it_has_no_local_accounts(self, existing: ExistingUsers) -> None:
        for path in ("/auth/register", "/auth/login"):
            assert error_of(existing.client().simulate_post(path, json={})) == (404, "NOT_FOUND")

    @pytest.mark.parametrize("setting", ["LOCAL_ACCOUNTS", "PROVISION_USERS"])
    def test_settings_that_would_write_to_it_stop_the_start(self, existing: ExistingUsers, setting: str) -> None:
        with pytest.raises(SettingsError, match=setting):
            existing.client(**{setting: "on"})

    def test_the_users_ids_are_compared_exactly(
        self, existing: ExistingUsers, kind: tuple[str, str, str], make_user: Callable[..., Caller]
    ) -> None:
        user = make_user(kind[2], through=existing.client())
        task = user.make_task("Mine")

        for spelling in (kind[2].upper(), kind[2].replace("-", ""), f"{{{kind[2]}}}"):
            if spelling != kind[2]:
                other = make_user(spelling, through=existing.client())
                assert other("GET", f"/api/tasks/{task['id']}").status_code in (401, 404)
                assert other("GET", "/api/tasks").json.get("data", []) == []
                assert other("POST", "/api/tasks", {"title": "x"}).status_code == 401


def test_a_users_table_whose_ids_are_neither_text_nor_uuid_is_rejected(
    create_database: Callable[[], str],
) -> None:
    database = connect(create_database())
    database.run("CREATE TABLE users (id integer PRIMARY KEY)")

    with pytest.raises((ValueError, psycopg2.Error), match="table users has a column id of type integer"):
        migrate(database, "users")

    assert database.run("SELECT to_regclass('tasks')") == [(None,)]
    database.close()

"""Every statement of the task calls goes to one shard: it names its user wherever it touches a user's rows.

PostgreSQL's own planner says so. The tables are partitioned by a hash of user_id, as a distributed PostgreSQL would
spread them over hosts, and the plan of each statement must touch one partition, the same one in both tables.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import psycopg2
import pytest

from api.account_addresses import AccountAddresses
from api.digests import KeyedDigests
from api.errors import DomainError
from api.folding import fold_batch
from api.housekeeping import Housekeeping
from api.list_queries import ListQuery, Position
from api.migrate import migrate
from api.postgres.database import Database
from api.task_limits import TaskLimits
from api.task_list import list_tasks
from api.tasks import Tasks
from api.tokens import Identity
from api.user_administration import delete, disable, enable
from api.users_table import Users
from tests.operations.parse_trees import find_refused, read_volatility
from tests.support.processes import PROJECT

SHARDS = 8
INSERTS = r'^INSERT INTO "tasks"|INSERT INTO idempotency_keys'
"""They read no row of these tables, and each row goes where its user_id says."""
PRIMARY_KEYS = {"tasks": "user_id, id", "idempotency_keys": "user_id, key"}

ADA, BOB = Identity("ada"), Identity("bob")
CHANGES: dict[str, Any] = {"title": "b", "description": None, "completed": True, "due_date": "2026-03-01"}


def users_of(database: Database) -> Users:
    return Users(database, "users", ours=True, provision=True)


class Recording(Database):
    """A database that keeps the statements it has run."""

    def __init__(self, url: str) -> None:
        super().__init__(url, pool_size=2, statement_timeout=10)
        self.statements: list[tuple[str, Any]] = []

    def run(self, sql: str, parameters: Any = (), **how: Any) -> list[tuple[Any, ...]]:
        self.statements.append((sql, parameters))
        return super().run(sql, parameters, **how)

    def shards_of(self, sql: str, parameters: Any) -> set[int]:
        """The numbers of the partitions that the plan touches."""
        plan = "\n".join(line for (line,) in super().run(f"EXPLAIN {sql}", parameters))
        return {int(number) for number in re.findall(r"_shard_(\d+)", plan)}


@pytest.fixture(scope="module")
def distributed(create_database: Callable[[], str]) -> Iterator[Recording]:
    """The migrated tables, spread by user_id, with rows of many users."""
    database = Recording(create_database())
    migrate(database, "users")
    # Or it would go with the table, though the partitions take their ids from it.
    database.run("ALTER SEQUENCE tasks_id_seq OWNED BY NONE")
    for table, key in PRIMARY_KEYS.items():
        database.run(
            f"CREATE TABLE spread (LIKE {table} INCLUDING ALL EXCLUDING INDEXES, PRIMARY KEY ({key}), "
            "FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE) PARTITION BY HASH (user_id)"
        )
        database.run(f"DROP TABLE {table}")
        database.run(f"ALTER TABLE spread RENAME TO {table}")
        for number in range(SHARDS):
            database.run(
                f"CREATE TABLE {table}_shard_{number} PARTITION OF {table} "
                f"FOR VALUES WITH (MODULUS {SHARDS}, REMAINDER {number})"
            )
    database.run("INSERT INTO users (id) SELECT 'user-' || n FROM generate_series(1, 100) AS n")
    database.run("INSERT INTO tasks (user_id, title) SELECT id, 'a' FROM users")
    yield database
    database.close()


@pytest.fixture
def tasks_of(distributed: Recording) -> Callable[..., Tasks]:
    distributed.statements.clear()

    def make(*, max_tasks: int = 100, reveal_foreign: bool = False) -> Tasks:
        limits = TaskLimits(distributed, max_tasks=max_tasks)
        return Tasks(distributed, users_of(distributed), limits, reveal_foreign=reveal_foreign)

    return make


def call_everything(tasks: Tasks) -> None:
    """Every task call in all its variants: hit, missed, another's; with and without versions, keys and limits."""
    mine = tasks.create(ADA, {"title": "a", **CHANGES}).created.task["id"]
    others = tasks.create(BOB, {"title": "a"}).created.task["id"]
    for _ in range(2):
        tasks.create(ADA, {"title": "once"}, key="key")
    for task_id, versions in itertools.product((mine, others, 2**40), (None, [1, 99])):
        with contextlib.suppress(DomainError):
            tasks.find(ADA, task_id)
        for size in range(1, len(CHANGES) + 1):
            for names in itertools.combinations(CHANGES, size):
                with contextlib.suppress(DomainError):
                    tasks.update(ADA, task_id, {name: CHANGES[name] for name in names}, versions)
        for change in (tasks.toggle_completed, tasks.delete):
            with contextlib.suppress(DomainError):
                change(ADA, task_id, versions)
        with contextlib.suppress(DomainError):
            tasks.update(ADA, task_id, {"completed": True}, versions)


def spread_out(database: Recording) -> set[str]:
    """The statements that touch the rows of more than one shard, or of none."""
    about_tasks = [(sql, values) for sql, values in database.statements if re.search(r"tasks|idempotency_keys", sql)]
    assert about_tasks
    return {sql for sql, values in about_tasks if len(database.shards_of(sql, values)) != 1}


@pytest.mark.parametrize("max_tasks", [0, 100])
def test_every_statement_on_single_tasks_touches_one_shard(
    tasks_of: Callable[..., Tasks], distributed: Recording, max_tasks: int
) -> None:
    call_everything(tasks_of(max_tasks=max_tasks))
    assert len({sql for sql, _ in distributed.statements}) > 30
    assert {sql for sql in spread_out(distributed) if not re.search(INSERTS, sql)} == set()


def test_every_statement_of_a_list_touches_one_shard(tasks_of: Callable[..., Tasks], distributed: Recording) -> None:
    values = {"created": "2026-01-01", "updated": "2026-01-01", "title": "a", "due_date": "2026-01-01"}
    for sort, descending, completed, words, limit, page, walk in itertools.product(
        values, (True, False), (None, True), ((), ("a", "b")), (None, 5), (None, 2), (True, False)
    ):
        position = Position(values[sort], 7) if walk else None
        list_tasks(distributed, "ada", ListQuery(completed, words, sort, descending, limit, page, position))
    assert len({sql for sql, _ in distributed.statements}) > 50
    assert spread_out(distributed) == set()


def test_only_the_bare_familys_look_for_anothers_task_asks_all_shards(
    tasks_of: Callable[..., Tasks], distributed: Recording
) -> None:
    tasks = tasks_of(reveal_foreign=True, max_tasks=0)
    call_everything(tasks)
    beyond = {sql for sql in spread_out(distributed) if not re.search(INSERTS, sql)}
    assert len(beyond) == 1
    [exception] = beyond
    # Its specification wants 403 for another's task, so it must look among everybody's.
    assert "user_id" not in exception
    assert len(distributed.shards_of(exception, [1])) == SHARDS


def test_both_tables_keep_a_users_rows_on_the_same_shard(
    tasks_of: Callable[..., Tasks], distributed: Recording
) -> None:
    tasks_of().create(ADA, {"title": "a"}, key="together")
    shards = {
        re.sub(r"\D", "", shard)
        for table in PRIMARY_KEYS
        for (shard,) in distributed.run(f"SELECT DISTINCT tableoid::regclass::text FROM {table} WHERE user_id = 'ada'")
    }
    assert len(shards) == 1


# What a distributed PostgreSQL (Citus 13.2) refuses, or spreads over all its nodes; docs/scaling.md tells.
NOT_DISTRIBUTED = {
    "row locks in a query of several shards": r"FOR (NO KEY )?(UPDATE|SHARE)",
    "a create that selects from tasks": r"(?s)^INSERT INTO \"tasks\".*SELECT",
    "a key that is kept by a SELECT, which all nodes take part in": r"INSERT INTO idempotency_keys[^)]*\)\s*SELECT",
    "a key that is not named by what is returned of it": r"(?s)INSERT INTO idempotency_keys(?!.*RETURNING[^)]*\bkey\b)",
}


def call_all_the_rest(database: Recording) -> None:
    """What changes rows besides the task calls."""
    Housekeeping(database, has_accounts=True).clean()
    list_tasks(database, "ada", ListQuery(words=("a",), sort="title", limit=5, page=1))
    database.run("INSERT INTO tasks (user_id, title) VALUES ('ada', 'ä')")
    assert fold_batch(database, "ada")
    addresses = AccountAddresses(database, KeyedDigests(["secret"]))
    addresses.remember("ada", "127.0.0.1")
    for change in (disable, enable, delete):
        change(database, "bob")


@pytest.mark.parametrize("rule", NOT_DISTRIBUTED.values(), ids=NOT_DISTRIBUTED.keys())
def test_no_statement_is_of_a_form_that_a_distributed_postgresql_refuses(
    tasks_of: Callable[..., Tasks], distributed: Recording, rule: str
) -> None:
    call_everything(tasks_of())
    call_all_the_rest(distributed)
    assert len({sql for sql, _ in distributed.statements}) > 40
    assert [sql for sql, _ in distributed.statements if re.search(rule, sql)] == []


def test_no_statement_calls_a_function_where_a_distributed_postgresql_refuses_it(
    tasks_of: Callable[..., Tasks], distributed: Recording
) -> None:
    call_everything(tasks_of())
    call_all_the_rest(distributed)
    changes = {sql: values for sql, values in distributed.statements if re.search("INSERT|UPDATE|DELETE", sql)}
    assert len(changes) > 30
    with parsing(distributed) as find:
        refused = {sql: found for sql, values in changes.items() if (found := find(sql, values))}
    assert refused == {}


def test_the_rules_find_what_a_real_cluster_refused(distributed: Recording) -> None:
    for rule, refused in zip(
        NOT_DISTRIBUTED.values(),
        (
            "SELECT key FROM idempotency_keys LIMIT 5 FOR UPDATE SKIP LOCKED",
            'INSERT INTO "tasks" ("user_id") SELECT %s WHERE NOT EXISTS (SELECT FROM tasks)',
            "WITH kept AS (INSERT INTO idempotency_keys (user_id, key) SELECT %s, %s FROM made RETURNING key) SELECT 1",
            "WITH kept AS (INSERT INTO idempotency_keys (user_id, key) VALUES (%s, %s) RETURNING task_id) SELECT 1",
        ),
        strict=True,
    ):
        assert re.search(rule, refused)
    with parsing(distributed) as find:
        found = [
            find(sql)
            for sql in (
                "UPDATE tasks SET updated_at = clock_timestamp() WHERE user_id = 'ada'",
                "UPDATE tasks SET updated_at = updated_at + interval '1 day' WHERE user_id = 'ada'",
                "UPDATE tasks SET completed = true WHERE user_id = 'ada' RETURNING (due_at AT TIME ZONE 'UTC')::text",
                "DELETE FROM tasks WHERE user_id = 'ada' AND random() < 0.5",
            )
        ]
    assert found == [
        {"a change calls a volatile function"},
        {"a change calls a stable function of a column"},
        {"RETURNING calls what is not immutable"},
        {"a change calls a volatile function"},
    ]


@contextlib.contextmanager
def parsing(database: Database) -> Iterator[Callable[..., set[str]]]:
    """A function that finds what a distributed PostgreSQL refuses; what it makes in the database is rolled back."""
    with contextlib.closing(psycopg2.connect(database.url)) as connection, connection.cursor() as cursor:
        yield partial(find_refused, cursor, read_volatility(cursor))


def test_the_documented_primary_key_is_put_in_place_beside_rows_and_serves(create_database: Callable[[], str]) -> None:
    document = (PROJECT / "docs" / "scaling.md").read_text(encoding="utf-8")
    [block] = re.findall(r"^```sql\n(.*?)^```", document, re.MULTILINE | re.DOTALL)
    on_postgresql = [line.rstrip(";") for line in block.splitlines() if not line.startswith("SELECT create_")]
    assert len(on_postgresql) == 3
    database = Recording(create_database())
    try:
        migrate(database, "users")
        limits = TaskLimits(database, max_tasks=100)
        tasks = Tasks(database, users_of(database), limits, reveal_foreign=True)
        before = tasks.create(ADA, {"title": "a"}).created.task
        for statement in on_postgresql:
            database.run(statement)
        assert tasks.find(ADA, before["id"]).task == before
        call_everything(tasks)
        keys = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'tasks_pkey'"
        assert database.run(keys) == [("PRIMARY KEY (user_id, id)",)]
    finally:
        database.close()

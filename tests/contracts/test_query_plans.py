"""Every list is served by an index led by its user, or by that user's rows alone, whatever the query.

The plans are PostgreSQL's own, on data where walking everybody's rows would look tempting. docs/query-plans.md shows
them on a million tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg2
import pytest

from api.errors import TaskNotFound
from api.migrate import migrate
from api.postgres.database import Database
from api.task_limits import TaskLimits
from api.tasks import Tasks
from api.tokens import Identity
from api.users_table import Users
from bench.plans import CUSTOM, GENERIC, HEAVY_USER, LIGHT_USER, Plan, Recorder, explain, fill, plans_of, queries
from tests.support.postgres import connect

USERS, TASKS, HEAVY_EVERY = 400, 40_000, 10


@pytest.fixture(scope="module")
def filled(create_database: Callable[[], str]) -> Iterator[Database]:
    """Many users' tasks, a tenth of them one user's."""
    url = create_database()
    database = connect(url)
    migrate(database, "users")
    connection = psycopg2.connect(url)
    connection.autocommit = True
    fill(connection, users=USERS, tasks=TASKS, heavy_every=HEAVY_EVERY)
    connection.close()
    yield database
    database.close()


@pytest.mark.parametrize(
    "query", [pytest.param(query, id=f"{sort} {order} {name}") for sort, order, name, query in queries()]
)
@pytest.mark.parametrize("user_id", [LIGHT_USER, HEAVY_USER, "nobody"])
@pytest.mark.parametrize("mode", [CUSTOM, GENERIC])
def test_no_list_walks_another_users_rows(filled: Database, mode: str, user_id: str, query: dict[str, str]) -> None:
    for part, plan in plans_of(filled, user_id, query, mode).items():
        assert plan.unbounded_scans() == [], (part, plan.root)
        assert plan.indexes, (part, plan.root)


@pytest.mark.parametrize(
    "query",
    [pytest.param(query, id=f"{sort} {order}") for sort, order, name, query in queries() if name == "all"],
)
@pytest.mark.parametrize("mode", [CUSTOM, GENERIC])
def test_the_last_page_of_a_walk_by_cursor_costs_what_the_first_does(
    filled: Database, mode: str, query: dict[str, str]
) -> None:
    plans = plans_of(filled, HEAVY_USER, query, mode)

    # A page of 50 reads a row more, and each may lie on a page of its own. Titles that fold alike are read together,
    # to be put in the order of their text: each of four titles is some 330 tasks of this user. A list that is merged
    # from two halves reads as much of either.
    most = {"title": 450}.get(query["sort"], 150)
    for part in ("first page", "first cursor", "last cursor"):
        assert plans[part].buffers < most, (part, plans[part].root)
    # To walk to the last page through the index alone would read some 25 pages of it.
    if query["sort"] != "title":
        assert plans["last cursor"].buffers < plans["first cursor"].buffers + 10, plans["last cursor"].root
    assert plans["last page"].buffers > 300, "the list is long enough for a difference to show"


def test_every_call_on_one_task_goes_by_its_id_or_its_user(filled: Database) -> None:
    recorder: Any = Recorder(filled)
    tasks = Tasks(
        recorder, Users(recorder, "users", ours=True, provision=False), TaskLimits(recorder, max_tasks=100_000)
    )
    user = Identity(LIGHT_USER)
    task = tasks.create(user, {"title": "Mine"}, "key").created.task
    tasks.create(user, {"title": "Mine"}, "key")
    tasks.find(user, task["id"])
    tasks.update(user, task["id"], {"title": "Changed"}, [1])
    tasks.toggle_completed(user, task["id"])
    with pytest.raises(TaskNotFound):
        tasks.find(Identity("nobody"), task["id"])
    statements = list(recorder.statements)

    for statement in statements:
        if "idempotency_keys" not in statement[0] or "INSERT" not in statement[0]:
            for mode in (CUSTOM, GENERIC):
                plan = explain(filled, statement, mode)
                assert plan.unbounded_scans() == []
                assert plan.buffers < 100


def test_a_walk_of_everybodys_rows_would_be_found(filled: Database) -> None:
    statements = [
        "SELECT id FROM tasks ORDER BY title LIMIT 5",
        "SELECT id FROM tasks WHERE completed ORDER BY id LIMIT 5",
        "SELECT id FROM tasks WHERE user_id || '' = 'user-2'",
    ]

    for statement in statements:
        plan: Plan = explain(filled, (statement, ()))
        assert plan.unbounded_scans(), plan.root

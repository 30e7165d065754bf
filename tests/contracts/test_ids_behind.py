"""After a restore whose sequence lags behind the tasks: a create is 503, and the log says how to mend it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

import pytest
from falcon.testing import TestClient

from api.postgres.database import Database
from tests.support.callers import Caller, error_of

TASKS = 5


@pytest.fixture
def behind(make_client: Callable[..., TestClient], make_user: Callable[..., Caller], database: Database) -> Caller:
    """A user near the limit, whose newest tasks have the ids that the sequence gives next."""
    user = make_user(through=make_client(MAX_TASKS="7"))
    newest = [user.make_task()["id"] for _ in range(TASKS)][-1]
    database.run("SELECT setval('tasks_id_seq', %s)", (newest - 3,))
    return user


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}], ids=["without a key", "with a key"])
def test_a_create_is_503_until_the_logs_statement_was_run(
    behind: Caller, database: Database, caplog: pytest.LogCaptureFixture, headers: dict[str, str]
) -> None:
    counted = database.errors["ids_behind"]
    with caplog.at_level(logging.INFO):
        answer = behind("POST", "/api/tasks", {"title": "x"}, headers=headers)

    assert error_of(answer) == (503, "DATABASE_UNAVAILABLE")
    assert answer.headers["retry-after"] == "1"
    assert database.errors["ids_behind"] == counted + 1
    assert len(behind.titles()) == TASKS
    assert database.run("SELECT count(*) FROM idempotency_keys") == [(0,)]
    [error] = [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]
    statement = re.search(r"run: (SELECT .*)", error)
    assert statement is not None

    database.run(statement[1])

    created = [behind("POST", "/api/tasks", {"title": "x"}, headers=headers) for _ in range(2)]
    assert [each.status_code for each in created] == [201, 201]
    assert ("idempotent-replayed" in created[1].headers) == bool(headers)


def test_the_limit_stays_true(behind: Caller, database: Database) -> None:
    for _ in range(3):
        assert behind("POST", "/api/tasks", {"title": "x"}).status_code == 503

    # Each try has used up one id.
    assert [behind("POST", "/api/tasks", {"title": "x"}).status_code for _ in range(4)] == [201, 201, 409, 409]
    assert len(behind.titles()) == 7

"""How many tasks and idempotency keys a user may hold: exact, though neither is counted at each create."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from falcon.testing import Result, TestClient

from api import task_limits
from api.postgres.database import Database
from tests.faults.client import Client
from tests.faults.connections import connect_to
from tests.support.callers import Caller, error_of
from tests.support.http import Response
from tests.support.postgres import connect
from tests.support.processes import PATIENT, UNLIMITED, Service, running

LIMIT = 5
STORED = "SELECT count(*) FROM tasks WHERE user_id = %s"
ADD = "INSERT INTO tasks (user_id, title) SELECT %s, 'x' FROM generate_series(1, %s)"
COUNTS_TASKS = re.compile(r"SELECT COUNT.*FROM \"tasks\"", re.IGNORECASE)


def create(user: Caller, key: str | None = None, **fields: object) -> Result:
    headers = {"Idempotency-Key": key} if key is not None else {}
    return user("POST", "/api/tasks", {"title": "Buy milk", **fields}, headers=headers)


@pytest.fixture(scope="module")
def service(
    create_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Service, Database]]:
    database = connect(create_database())
    log = tmp_path_factory.mktemp("service") / "log"
    with running(log, DATABASE_URL=database.url, WORKERS="2", MAX_TASKS=str(LIMIT), **UNLIMITED, **PATIENT) as service:
        yield service, database
    database.close()


@pytest.fixture
def workers(service: tuple[Service, Database]) -> Iterator[list[Client]]:
    """A client of each worker."""
    clients = [connect_to(service[0], worker, []) for worker in service[0].children()]
    yield clients
    for client in clients:
        client.close()


class TestTwoWorkers:
    @pytest.fixture
    def database(self, service: tuple[Service, Database]) -> Database:
        return service[1]

    @staticmethod
    def create(worker: Client, user: str, **headers: str) -> Response:
        return worker.call("POST", "/api/tasks", {"title": f"{user}/x"}, user=user, **headers)

    @pytest.mark.parametrize("turns", ["0101010", "0000111", "0111100", "1111110"])
    def test_the_limit_is_exact_in_sequence(self, workers: list[Client], database: Database, turns: str) -> None:
        user = f"turns-{turns}"

        statuses = [self.create(workers[int(turn)], user).status for turn in turns]

        assert statuses == [201] * LIMIT + [409] * (len(turns) - LIMIT)
        assert database.run(STORED, (user,)) == [(LIMIT,)]

    def test_tasks_inserted_beside_count(self, workers: list[Client], database: Database) -> None:
        for worker in workers:
            assert self.create(worker, "beside").status == 201
        database.run(ADD, ("beside", LIMIT - 3))

        assert [self.create(worker, "beside").status for worker in workers] == [201, 409]
        database.run("DELETE FROM tasks WHERE user_id = 'beside' AND title = 'x'")
        assert [self.create(worker, "beside").status for worker in workers * 2] == [201, 201, 409, 409]

    def test_two_at_the_same_instant(self, workers: list[Client], database: Database) -> None:
        rounds = 12
        with ThreadPoolExecutor(2) as pool:
            for number in range(rounds):
                user = f"instant-{number}"
                for turn in range(LIMIT - 1):
                    assert self.create(workers[turn % 2], user).status == 201
                statuses = [each.status for each in pool.map(self.create, workers, [user] * 2)]
                assert set(statuses) <= {201, 409}
                created = statuses.count(201)
                # They may pass the limit together; what was taken back is not there.
                assert database.run(STORED, (user,)) == [(LIMIT - 1 + created,)]
                after = [self.create(worker, user).status for worker in workers]
                assert after == [201, 409] if created == 0 else [409, 409]

    def test_a_create_that_is_taken_back_leaves_no_task_and_a_free_key(
        self, workers: list[Client], database: Database
    ) -> None:
        first, second = workers
        user = "taken-back"
        assert self.create(first, user).status == 201
        # The first worker does not know of these, and learns of them by the id of its next task.
        for _ in range(LIMIT - 1):
            assert self.create(second, user).status == 201

        refused = self.create(first, user, Idempotency_Key="k")

        assert (refused.status, refused.code) == (409, "TASK_LIMIT_REACHED")
        assert database.run(STORED, (user,)) == [(LIMIT,)]
        assert database.run("SELECT count(*) FROM idempotency_keys WHERE user_id = %s", (user,)) == [(0,)]
        database.run("DELETE FROM tasks WHERE user_id = %s AND id = (SELECT max(id) FROM tasks)", (user,))
        made = self.create(first, user, Idempotency_Key="k")
        assert made.status == 201
        assert "idempotent-replayed" not in made.headers
        assert self.create(second, user, Idempotency_Key="k").headers["idempotent-replayed"] == "true"


class TestCounting:
    def test_tasks_are_not_counted_at_each_create(self, user: Caller, statements: list[str]) -> None:
        for number in range(10):
            assert create(user, key=f"k{number}" if number % 2 else None).status_code == 201

        assert len([sql for sql in statements if COUNTS_TASKS.search(sql)]) in (1, 2)

    def test_near_the_limit_they_are(
        self,
        make_client: Callable[..., TestClient],
        make_user: Callable[..., Caller],
        database: Database,
        statements: list[str],
    ) -> None:
        user = make_user(through=make_client(MAX_TASKS="3"))
        for _ in range(3):
            user.make_task()
        statements.clear()
        for _ in range(4):
            assert create(user).status_code == 409

        assert len([sql for sql in statements if COUNTS_TASKS.search(sql)]) == 4

    def test_a_task_made_while_they_are_counted_counts(
        self,
        make_client: Callable[..., TestClient],
        make_user: Callable[..., Caller],
        database: Database,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        client = make_client(MAX_TASKS="4")
        user, other = make_user(through=client), make_user(through=client)
        for _ in range(3):
            user.make_task()
            other.make_task()
        run = database.run
        meanwhile: list[int] = []

        def create_after_the_count(sql: str, *arguments: Any, **options: Any) -> list[tuple[Any, ...]]:
            rows = run(sql, *arguments, **options)
            if COUNTS_TASKS.search(sql) and not meanwhile:
                meanwhile.append(0)
                meanwhile[0] = create(user).status_code
            return rows

        monkeypatch.setattr(database, "run", create_after_the_count)
        assert create(user).status_code == 409
        assert meanwhile == [201]
        assert run(STORED, (user.user_id,)) == [(4,)]


class TestKeys:
    @pytest.fixture
    def limited(
        self,
        make_client: Callable[..., TestClient],
        make_user: Callable[..., Caller],
        monkeypatch: pytest.MonkeyPatch,
    ) -> Caller:
        """A user who may hold three keys."""
        monkeypatch.setattr(task_limits, "MAX_KEYS", 3)
        return make_user(through=make_client())

    def test_one_too_many_is_429_and_nothing_else_is_refused(self, limited: Caller, database: Database) -> None:
        first = [create(limited, key) for key in ("a", "b", "c")]
        assert [each.status_code for each in first] == [201] * 3

        refused = create(limited, "d")

        assert error_of(refused) == (429, "RATE_LIMITED")
        assert 1 <= int(refused.headers["retry-after"]) <= 86_400
        assert len(limited.titles()) == 3
        assert create(limited).status_code == 201
        for key, answer in zip("abc", first, strict=True):
            repeat = create(limited, key)
            assert (repeat.status_code, repeat.content) == (201, answer.content)
        assert error_of(create(limited, "a", title="Other")) == (422, "IDEMPOTENCY_KEY_REUSED")
        assert error_of(create(limited, "d")) == (429, "RATE_LIMITED")

        database.run("DELETE FROM idempotency_keys WHERE key = 'a'")
        assert create(limited, "d").status_code == 201
        assert create(limited, "e").status_code == 429

    def test_deleting_tasks_frees_no_key(self, limited: Caller) -> None:
        for key in "abc":
            limited("DELETE", create(limited, key).headers["location"])

        assert error_of(create(limited, "d")) == (429, "RATE_LIMITED")

    def test_they_are_each_users_own(self, limited: Caller, make_user: Callable[..., Caller]) -> None:
        for key in "abc":
            create(limited, key)

        assert create(make_user(), "d").status_code == 201


class TestSizeOfAKey:
    SIZES = "SELECT pg_column_size(idempotency_keys) FROM idempotency_keys"

    @pytest.mark.parametrize("characters", [(0x10000, 0x2FFFF), (0x4E00, 0x9FFF), (0x21, 0x7E)])
    def test_of_the_longest_text_is_at_most_6500_bytes(
        self, user: Caller, database: Database, characters: tuple[int, int]
    ) -> None:
        numbers = random.Random(7)

        def text(length: int) -> str:
            # Random, so that PostgreSQL cannot compress it.
            return "".join(chr(numbers.randint(*characters)) for _ in range(length))

        answer = create(user, "k" * 255, title=text(500), description=text(10_000), due_date="2026-03-01T12:00:00Z")

        assert answer.status_code == 201, answer.text
        [(size,)] = database.run(self.SIZES)
        assert size <= 6500

    def test_is_below_500_bytes_as_a_rule(self, user: Caller, database: Database) -> None:
        create(user, "8f3c1d0e-5a4b-4c7d-9e2f-1a2b3c4d5e6f", description="Two litres", due_date="2026-03-01")

        [(size,)] = database.run(self.SIZES)
        assert size < 500

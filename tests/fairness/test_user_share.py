"""One user's requests take half of a worker's threads, two more wait, and others are served meanwhile."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest

from tests.fairness.crowd import in_parallel
from tests.support.http import Response
from tests.support.processes import Service, running
from tests.support.signing import SECRET, token_for
from tests.support.waiting import WAIT_TIMEOUT, wait_until

LONGEST_WAIT = 1.0
"""Seconds for which the service lets a request wait for its turn."""

ATTEMPTS = 5
"""For what a machine that stands still for LONGEST_WAIT makes impossible."""


@pytest.fixture
def threads() -> int:
    return 4


@pytest.fixture
def worker(database: object, database_url: str, tmp_path: Path, threads: int) -> Iterator[Service]:
    """A service of one worker with as many connections as threads, whose statements may take long."""
    settings = {"BETTER_AUTH_SECRET": SECRET, "WORKERS": "1", "THREADS": str(threads), "BCRYPT_COST": "8"}
    environ = {"DATABASE_URL": database_url, "STATEMENT_TIMEOUT": "60", "AUTH_RATE_LIMIT": ""}
    with running(tmp_path / "log", **environ, **settings) as service:
        yield service


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


class Row:
    """A task whose row is locked: each change of it waits until the lock is released."""

    def __init__(self, url: str, service: Service, user_id: str) -> None:
        self.token = token_for(user_id)
        created = service.call("POST", "/api/tasks", {"title": "Buy milk"}, token=self.token)
        self.path = created.headers["location"]
        self._id = created.json["data"]["id"]
        self._service = service
        self._url = url
        self.lock()

    def lock(self) -> None:
        self._connection = psycopg2.connect(self._url)
        self._connection.cursor().execute("SELECT FROM tasks WHERE id = %s FOR UPDATE", (self._id,))

    def change(self) -> Response:
        return self._service.call("PATCH", self.path, {"title": "Buy bread"}, token=self.token, timeout=WAIT_TIMEOUT)

    def read(self) -> Response:
        return self._service.call("GET", self.path, token=self.token, timeout=WAIT_TIMEOUT)

    def wait_for_changes(self, number: int) -> None:
        """Return when so many statements wait for the lock."""
        with contextlib.closing(psycopg2.connect(self._url)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()

            def waiting() -> bool:
                cursor.execute(WAITING)
                row = cursor.fetchone()
                return row is not None and row[0] == number

            wait_until(waiting, f"{number} statements to wait for the lock")

    def release(self) -> None:
        self._connection.close()


@pytest.fixture
def locked(worker: Service, database_url: str) -> Iterator[Row]:
    row = Row(database_url, worker, "heavy")
    yield row
    row.release()


def results(futures: list[Future[Response]]) -> list[int]:
    return [future.result(timeout=WAIT_TIMEOUT).status for future in futures]


@pytest.mark.parametrize(("threads", "share"), [(2, 1), (4, 2), (8, 4)])
def test_half_of_the_threads_serve_one_user_and_the_others_serve_others(
    worker: Service, locked: Row, pool: ThreadPoolExecutor, share: int
) -> None:
    changes = [pool.submit(locked.change) for _ in range(share)]
    locked.wait_for_changes(share)

    refused = pool.submit(locked.read).result(timeout=WAIT_TIMEOUT)
    assert (refused.status, refused.code) == (429, "RATE_LIMITED")
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["x-request-id"]

    token = token_for("other")
    assert worker.call("POST", "/api/tasks", {"title": "Call Zoë"}, token=token).status == 201
    assert worker.call("GET", "/api/tasks", token=token).status == 200
    locked.wait_for_changes(share)
    locked.release()
    assert results(changes) == [200] * share
    assert locked.read().status == 200


def test_two_more_requests_wait_and_the_next_is_refused_at_once(
    locked: Row, pool: ThreadPoolExecutor, worker: Service
) -> None:
    def are_served() -> bool:
        changes = [pool.submit(locked.change) for _ in range(2)]
        locked.wait_for_changes(2)
        began = time.monotonic()
        reads = [pool.submit(locked.read) for _ in range(5)]
        wait_until(lambda: sum(read.done() for read in reads) >= 3, "three requests to be refused")
        locked.release()
        assert results(changes) == [200, 200]
        statuses = sorted(results(reads))
        if statuses == [200, 200, 429, 429, 429]:
            return True
        assert time.monotonic() - began > LONGEST_WAIT, statuses
        locked.lock()
        return False

    assert any(are_served() for _ in range(ATTEMPTS))
    assert worker.events("failed") == []


def test_the_other_family_and_every_method_count_as_the_same_user(locked: Row, pool: ThreadPoolExecutor) -> None:
    changes = [pool.submit(locked.change) for _ in range(2)]
    locked.wait_for_changes(2)
    token, call = locked.token, locked._service.call
    calls: list[Callable[[], Response]] = [
        lambda: call("GET", "/tasks", token=token),
        lambda: call("GET", "/api/heavy/tasks", token=token),
        lambda: call("DELETE", locked.path, token=token),
        lambda: call("POST", "/api/tasks", {"title": "x"}, token=token),
    ]
    assert {response.status for response in in_parallel(calls)} == {429}
    locked.release()
    assert results(changes) == [200, 200]


def test_a_refused_request_is_refused_in_the_contracts_order(locked: Row, pool: ThreadPoolExecutor) -> None:
    changes = [pool.submit(locked.change) for _ in range(2)]
    locked.wait_for_changes(2)
    call = locked._service.call
    statuses = {
        404: ("GET", "/nowhere"),
        403: ("GET", "/api/someone/tasks"),
        429: ("PUT", "/api/tasks"),
    }
    for status, (method, path) in statuses.items():
        assert call(method, path, token=locked.token).status == status
    locked.release()
    assert results(changes) == [200, 200]


def test_six_people_who_register_at_the_same_instant_are_all_served(worker: Service, locked: Row) -> None:
    def registration(number: int) -> Callable[[], Response]:
        body = {"email": f"person-{number}@example.com", "password": "correct horse"}
        return lambda: worker.call("POST", "/auth/register", body)

    def are_served(first: int) -> bool:
        began = time.monotonic()
        responses = in_parallel([registration(number) for number in range(first, first + 6)])
        statuses = [response.status for response in responses]
        if statuses == [201] * 6:
            return True
        assert set(statuses) <= {201, 503}
        assert time.monotonic() - began > LONGEST_WAIT, statuses
        return False

    assert any(are_served(attempt * 6) for attempt in range(ATTEMPTS))

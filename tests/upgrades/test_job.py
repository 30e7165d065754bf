"""The background job: what it makes of a large install, beside whom it works, where it stops and goes on."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg2
import pytest
from falcon.testing import TestClient

from api import upgrade
from api.migrate import migrate
from api.postgres.database import Database
from api.upgrade import Upgrade
from tests.support.callers import Caller, error_of
from tests.support.full_disk import full_disk
from tests.support.signing import token_for
from tests.support.waiting import WAIT_TIMEOUT, wait_until
from tests.upgrades.schema import read_indexes
from tests.upgrades.version_before import LATER

LEFT_TO_THE_JOB = {"tasks_by_title", "tasks_by_due_date", "tasks_to_fold"}

NOT_ASCII_TASKS = 2001

# One more than is small; five users have some 400 tasks each that are not ASCII.
FILL = """
INSERT INTO users (id) SELECT 'user-' || n FROM generate_series(0, 9) AS n;
INSERT INTO tasks (user_id, title, description)
SELECT 'user-' || n %% 10, CASE WHEN n %% 10 < 5 AND n %% 50 < 20 THEN 'Größe ' || n ELSE 'Size ' || n END, 'x'
FROM generate_series(1, 10001) AS n;
ANALYZE tasks
"""
NOT_ASCII = "SELECT count(*) FROM tasks WHERE title LIKE 'Größe%%'"
FOLDED = """
SELECT count(*) FROM tasks
WHERE title LIKE 'Größe%%' AND folded_version = version AND title_folded = replace(title, 'Größe', 'grosse')
"""
BUILDING = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONCURRENTLY%%' AND wait_event_type = 'Lock'
"""


def count_of(database: Database, query: str) -> int:
    return int(database.run(query)[0][0])


@pytest.fixture
def large(database_before: Database) -> Database:
    """Too many tasks for indexes at start; migrated, and the job has not begun."""
    # In statements of their own: ANALYZE sees what is committed.
    for statement in FILL.split(";"):
        database_before.run(statement)
    assert migrate(database_before, "users") == LATER
    assert LEFT_TO_THE_JOB.isdisjoint(read_indexes(database_before))
    return database_before


@contextlib.contextmanager
def writing(database: Database) -> Iterator[None]:
    """Within this block a transaction is open that has written a task: an index can be begun, not completed."""
    connection = psycopg2.connect(database.url)
    try:
        connection.cursor().execute("UPDATE tasks SET completed = completed WHERE user_id = 'user-9'")
        yield
    finally:
        connection.close()


@contextlib.contextmanager
def working(database: Database) -> Iterator[Future[bool]]:
    """The job at work in a thread, as far as an index that it cannot complete in this block."""
    with ThreadPoolExecutor(1) as pool:
        with writing(database):
            work = pool.submit(Upgrade(database, has_accounts=True).work)
            wait_until(lambda: database.run(BUILDING), "the job to wait with an index")
            yield work
        with contextlib.suppress(psycopg2.Error):
            work.result(WAIT_TIMEOUT)


def test_a_large_install_gets_the_indexes_of_a_small_one(large: Database, fresh_database: Database) -> None:
    assert Upgrade(large, has_accounts=True).work()

    assert read_indexes(large) == read_indexes(fresh_database)
    assert set(read_indexes(large)) > LEFT_TO_THE_JOB
    assert count_of(large, FOLDED) == count_of(large, NOT_ASCII) == NOT_ASCII_TASKS


def test_an_index_whose_build_was_interrupted_is_made_anew(large: Database, fresh_database: Database) -> None:
    with working(large) as work:
        large.run("SELECT pg_cancel_backend(pid) FROM (" + BUILDING + ") AS building")
        assert isinstance(work.exception(WAIT_TIMEOUT), psycopg2.errors.QueryCanceled)
    assert [valid for name, (_, valid) in read_indexes(large).items() if name in LEFT_TO_THE_JOB] == [False]

    assert Upgrade(large, has_accounts=True).work()

    assert read_indexes(large) == read_indexes(fresh_database)


def test_of_two_processes_one_works(large: Database) -> None:
    with ThreadPoolExecutor(1) as pool, working(large) as work:
        other = pool.submit(Upgrade(large, has_accounts=True).work)
        assert not other.result(WAIT_TIMEOUT)
        assert not work.done()
    assert work.result()
    assert Upgrade(large, has_accounts=True).work()


def test_stopped_in_the_middle_it_goes_on_where_it_was(large: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    # It rests after its first step for longer than this test waits.
    monkeypatch.setattr(upgrade, "REST", 1e6)
    job = Upgrade(large, has_accounts=True)
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(job.work)
        wait_until(lambda: count_of(large, FOLDED), "the first step")
        job.stop()
        assert work.result(WAIT_TIMEOUT)
    first = count_of(large, FOLDED)
    assert 0 < first < NOT_ASCII_TASKS
    versions = "SELECT count(*) FROM tasks WHERE folded_version = version AND xmin = %s"
    transactions = "SELECT DISTINCT xmin::text FROM tasks WHERE folded_version = version AND title LIKE 'Größe%%'"
    [(done,)] = large.run(transactions)

    monkeypatch.undo()
    assert Upgrade(large, has_accounts=True).work()

    assert count_of(large, FOLDED) == NOT_ASCII_TASKS
    assert large.run(versions, (done,)) == [(first,)]


class TestBesideTheVersionBefore:
    INSERT = "INSERT INTO tasks (user_id, title, description) VALUES ('ada', %s, %s) RETURNING id"
    UPDATE = "UPDATE tasks SET title = %s, version = version + 1, updated_at = clock_timestamp() WHERE id = %s"
    TOGGLE = "UPDATE tasks SET completed = NOT completed, version = version + 1 WHERE id = %s"
    STORED = "SELECT title_folded, description_folded, version - folded_version FROM tasks WHERE id = %s"

    @pytest.fixture(autouse=True)
    def ada(self, database: Database) -> None:
        database.run("INSERT INTO users (id) VALUES ('ada')")

    def test_what_it_writes_meanwhile_is_folded(self, database: Database) -> None:
        job = Upgrade(database, has_accounts=True)
        [(new,)] = database.run(self.INSERT, ("Straße", "Köln"))
        assert job.work()
        assert database.run(self.STORED, (new,)) == [("strasse", "koln", 0)]

        for statement, values in (
            (self.TOGGLE, (new,)),
            (self.UPDATE, ("Οδός", new)),
        ):
            database.run(statement, values)
            assert database.run(self.STORED, (new,))[0][2] == 1
            assert job.work()
            assert database.run(self.STORED, (new,))[0][2] == 0
        assert database.run(self.STORED, (new,)) == [("οδοσ", "koln", 0)]

    def test_ascii_text_costs_no_write(self, database: Database) -> None:
        [(new,)] = database.run(self.INSERT, ("Street", None))
        [(before,)] = database.run("SELECT xmin::text FROM tasks WHERE id = %s", (new,))
        assert Upgrade(database, has_accounts=True).work()
        assert database.run("SELECT xmin::text FROM tasks WHERE id = %s", (new,)) == [(before,)]

    def test_a_row_written_between_reading_and_storing_is_folded_the_next_time(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        [(new,)] = database.run(self.INSERT, ("Straße", None))
        run, written = database.run, threading.Event()

        def write_first(sql: str, *arguments: object, **options: bool) -> list[tuple[object, ...]]:
            if "unnest" in sql and not written.is_set():
                written.set()
                run(self.UPDATE, ("Weiß", new))
            return run(sql, *arguments, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(database, "run", write_first)
        assert Upgrade(database, has_accounts=True).work()
        assert written.is_set()
        assert database.run(self.STORED, (new,)) == [("weiss", None, 0)]


class TestOnAFullDisk:
    """The job's writes fail for one user's tasks."""

    PREFIX = "full-"

    def test_the_service_goes_on_and_so_does_the_job_when_there_is_room(
        self,
        database: Database,
        client: TestClient,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setattr(upgrade, "POLL_INTERVAL", 0.2)
        database.run("INSERT INTO users (id) VALUES ('full-ada'), ('ben')")
        database.run(
            "INSERT INTO tasks (user_id, title) SELECT 'full-ada', 'Straße ' || n FROM generate_series(1, 9) n"
        )
        ada, ben = (Caller(client, each, token_for(each)) for each in ("full-ada", "ben"))
        unfolded = "SELECT count(*) FROM tasks WHERE folded_version IS DISTINCT FROM version"
        job = Upgrade(database, has_accounts=True)
        try:
            with full_disk(database.url, self.PREFIX), caplog.at_level(logging.INFO):
                job.start()
                wait_until(lambda: "disk_full" in caplog.text, "the job to meet it")
                ben.make_task("Größe")
                assert ben.titles(search="GRÖSSE") == ben.titles(sort="title") == ["Größe"]
                assert len(ada.titles()) == len(ada.titles(sort="updated")) == 9
                # To search, her tasks must be folded first: no list is better than one that lacks some.
                assert error_of(ada("GET", "/api/tasks", params={"search": "strasse"})) == (503, "DATABASE_UNAVAILABLE")
                assert count_of(database, unfolded) == 9
            wait_until(lambda: count_of(database, unfolded) == 0, "the job to go on")
        finally:
            job.stop()
        assert len(ada.titles(search="strasse")) == 9
        warnings = [each for each in caplog.records if each.levelno >= logging.WARNING]
        assert {each.name for each in warnings} == {"api.upgrade"}
        assert all("goes on" in each.getMessage() for each in warnings)

"""Running a statement on a real server: results, round trips, errors, deadlines and closing."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest

from api.postgres import deadlines
from api.postgres.database import SILENCE_TIMEOUT, Database
from api.postgres.errors import DatabaseUnavailable
from tests.postgres.statements import (
    PATIENCE,
    WAIT_FOR_GATE,
    Admin,
    gate_shut,
    open_connections,
    run_aside,
    wait_at_gate,
)
from tests.support.stalled_proxy import StalledProxy
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]


class TestRunning:
    def test_rows_are_returned_as_tuples(self, database: Database) -> None:
        assert database.run("SELECT 1, %s UNION SELECT 2, %s ORDER BY 1", ("a", "b")) == [(1, "a"), (2, "b")]
        assert database.run("SELECT %s", ("ü😀",)) == [("ü😀",)]

    def test_a_statement_without_rows_returns_an_empty_list(self, database: Database) -> None:
        assert database.run("INSERT INTO notes VALUES (1, 'a')") == []
        assert database.run("UPDATE notes SET text = 'b' WHERE id = 2 RETURNING id") == []

    def test_json_is_returned_parsed(self, database: Database) -> None:
        assert database.run("""SELECT '{"a": [1]}'::jsonb""") == [({"a": [1]},)]

    def test_each_statement_is_committed(self, database: Database, make_database: Callable[..., Database]) -> None:
        database.run("INSERT INTO notes VALUES (1, 'a')")
        assert make_database().run("SELECT text FROM notes") == [("a",)]

    def test_a_statement_is_one_round_trip(self, url: str, make_database: Callable[..., Database]) -> None:
        with StalledProxy(url) as proxy:
            database = make_database(proxy.url)
            database.run("SELECT 1")
            before = proxy.requests
            for number in range(10):
                database.run("SELECT %s", (number,))
            assert proxy.requests == before + 10

    def test_it_leaves_no_state_in_the_session(self, database: Database) -> None:
        with pytest.raises(psycopg2.errors.DivisionByZero):
            database.run("SELECT 1 / 0")
        settings = database.run("SELECT name FROM pg_settings WHERE source = 'session'")
        assert settings == []
        assert database.run("SELECT count(*) FROM pg_prepared_statements") == [(0,)]

    def test_statements_run_concurrently(self, database: Database, admin: Admin) -> None:
        with gate_shut(admin):
            outcomes = [run_aside(database, WAIT_FOR_GATE) for _ in range(4)]
            wait_at_gate(admin, 4)
            assert database.pool.in_use == 4
        for thread, _ in outcomes:
            thread.join()
        assert [outcome for _, outcome in outcomes] == [[[("",)]]] * 4
        assert database.pool.in_use == 0


class TestErrors:
    def test_an_error_of_the_statement_is_raised_as_the_drivers_error(self, database: Database) -> None:
        database.run("INSERT INTO notes VALUES (1, 'a')")
        with pytest.raises(psycopg2.errors.UniqueViolation):
            database.run("INSERT INTO notes VALUES (1, 'b')")
        with pytest.raises(psycopg2.errors.UndefinedTable):
            database.run("SELECT * FROM nothing")
        assert not database.errors

    def test_the_drivers_error_contains_no_row(self, database: Database) -> None:
        database.run("INSERT INTO notes VALUES (1, 'a')")
        with pytest.raises(psycopg2.errors.UniqueViolation) as caught:
            database.run("INSERT INTO notes VALUES (1, 'a')")
        assert str(caught.value) == 'duplicate key value violates unique constraint "notes_pkey"'

    def test_a_value_that_cannot_be_sent_is_an_error_of_the_caller(self, database: Database) -> None:
        before = database.run("SELECT pg_backend_pid()")
        with pytest.raises(psycopg2.ProgrammingError):
            database.run("SELECT %s", (object(),))
        assert database.run("SELECT pg_backend_pid()") == before
        assert not database.errors

    @pytest.mark.parametrize("text", ["\0", "\ud800"])
    def test_text_that_cannot_be_sent_keeps_the_connection_usable(self, database: Database, text: str) -> None:
        before = database.run("SELECT pg_backend_pid()")
        with pytest.raises(ValueError, match=r".*"):
            database.run("SELECT %s", (text,))
        assert database.run("SELECT pg_backend_pid()") == before
        assert database.pool.in_use == 0

    @pytest.mark.parametrize(
        ("state", "kind"),
        [
            ("53100", "disk_full"),
            ("53200", "resources"),
            ("55P03", "lock_timeout"),
            ("57014", "cancelled"),
            ("58030", "system"),
            ("08006", "connection"),
            # A distributed PostgreSQL's words for a node that has just gone.
            ("XX000", "internal"),
        ],
    )
    def test_an_error_of_the_server_is_not_retried(self, database: Database, state: str, kind: str) -> None:
        database.run("CREATE SEQUENCE IF NOT EXISTS tries")
        before = database.run("SELECT nextval('tries')")[0][0]
        with pytest.raises(DatabaseUnavailable) as caught:
            database.run(raising(state, "nextval('tries') > 0"))
        assert caught.value.kind == kind
        assert database.errors == {kind: 1}
        assert database.run("SELECT nextval('tries')") == [(before + 2,)]

    @pytest.mark.parametrize("state", ["40001", "40P01", "25006", "57P03"])
    def test_a_statement_that_did_not_run_is_retried_once(self, database: Database, state: str) -> None:
        database.run("CREATE SEQUENCE IF NOT EXISTS tries")
        before = database.run("SELECT nextval('tries')")[0][0]
        database.run(raising(state, f"nextval('tries') = {before + 1}"))
        assert database.run("SELECT nextval('tries')") == [(before + 3,)]
        assert not database.errors

    def test_a_statement_is_not_tried_a_third_time(self, database: Database) -> None:
        with pytest.raises(DatabaseUnavailable) as caught:
            database.run(raising("40P01", "true"))
        assert caught.value.kind == "deadlock"

    def test_a_connection_with_an_open_transaction_is_not_reused(self, database: Database) -> None:
        database.run("BEGIN; INSERT INTO notes VALUES (7, 'a')")
        assert database.pool.idle == 0
        assert database.run("SELECT * FROM notes") == []


class TestDeadline:
    """Each statement finds an open connection: its short deadline is not for the connect."""

    @pytest.fixture(autouse=True)
    def patient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A busy server has long to act on a cancel request before it counts as gone."""
        monkeypatch.setattr(deadlines, "CANCEL_GRACE", PATIENCE)

    def test_a_slow_statement_is_cancelled_on_the_server_too(
        self, make_database: Callable[..., Database], admin: Admin
    ) -> None:
        database = make_database(statement_timeout=1)
        open_connections(database, 1)
        started = time.monotonic()
        with pytest.raises(DatabaseUnavailable) as caught:
            database.run("SELECT pg_sleep(60)")
        assert caught.value.kind == "deadline"
        assert time.monotonic() - started < 30
        running = "SELECT FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'"
        wait_until(lambda: not admin(f"{running} AND datname = current_database()"))

    def test_a_slow_statement_is_not_an_outage(self, make_database: Callable[..., Database]) -> None:
        """The server has cancelled it and so is reachable, however old its last result is."""
        database = make_database(pool_size=1, statement_timeout=SILENCE_TIMEOUT + 0.2)
        open_connections(database, 1)
        with pytest.raises(DatabaseUnavailable, match="deadline"):
            database.run("SELECT pg_sleep(60)")
        assert database.run("SELECT 1", at_least=PATIENCE) == [(1,)]

    def test_cancel_requests_are_not_exhausted(self, make_database: Callable[..., Database]) -> None:
        database = make_database(statement_timeout=0.2)
        for _ in range(10):
            open_connections(database, 1)
            with pytest.raises(DatabaseUnavailable, match="deadline"):
                database.run("SELECT pg_sleep(60)")
        open_connections(database, 1)
        caught = "DO $$ BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END $$"
        assert database.run(caught) == []

    def test_a_connection_that_a_late_cancel_request_may_hit_is_not_reused(
        self, make_database: Callable[..., Database]
    ) -> None:
        database = make_database(statement_timeout=0.2)
        open_connections(database, 1)
        late = "DO $$ BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END $$"
        assert database.run(late) == []
        assert database.pool.idle == 0

    def test_nothing_is_counted_as_in_use_afterwards(self, make_database: Callable[..., Database]) -> None:
        database = make_database(statement_timeout=0.2)
        open_connections(database, 1)
        with pytest.raises(DatabaseUnavailable, match="deadline"):
            database.run("SELECT pg_sleep(60)")
        assert (database.pool.in_use, database.pool.waiting) == (0, 0)
        assert database.run("SELECT 1", at_least=PATIENCE) == [(1,)]


WATCHDOGS = """
import os, sys, threading, time
from api.postgres.database import Database
from tests.support.waiting import wait_until

def threads():
    return len(os.listdir("/proc/self/task"))

database = Database(sys.argv[1], pool_size=8, statement_timeout=60, check_out_timeout=60)
lent = [database.pool.check_out(time.monotonic() + 60) for _ in range(8)]
together = [threading.Thread(target=database.run, args=("SELECT 1",)) for _ in lent]
for thread in together:
    thread.start()
wait_until(lambda: database.pool.waiting == 8)
for connection in lent:
    database.pool.check_in(connection)
for thread in together:
    thread.join()
wait_until(lambda: threads() == 2)
database.close()
wait_until(lambda: threads() == 1)
"""


class TestClosing:
    def test_closing_ends_every_connection(self, database: Database, admin: Admin) -> None:
        pid = database.run("SELECT pg_backend_pid()")[0][0]
        database.close()
        wait_until(lambda: not admin("SELECT FROM pg_stat_activity WHERE pid = %s", pid))

    def test_there_is_one_watchdog_and_closing_ends_it(self, url: str) -> None:
        subprocess.run([sys.executable, "-c", WATCHDOGS, url], cwd=ROOT, timeout=120, check=True)

    def test_a_connection_in_use_is_closed_when_it_is_returned(self, database: Database, admin: Admin) -> None:
        with gate_shut(admin):
            thread, outcome = run_aside(database, WAIT_FOR_GATE)
            wait_at_gate(admin, 1)
            database.close()
        thread.join()
        assert outcome == [[("",)]]
        assert (database.pool.in_use, database.pool.idle) == (0, 0)

    def test_a_closed_database_can_be_used_again(self, database: Database) -> None:
        database.close()
        assert database.run("SELECT 1") == [(1,)]


def raising(state: str, condition: str) -> str:
    """A statement that fails with this SQLSTATE if the condition holds."""
    return f"DO $$ BEGIN IF {condition} THEN RAISE EXCEPTION 'injected' USING ERRCODE = '{state}'; END IF; END $$"

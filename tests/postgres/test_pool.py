"""The pool: cut connections, a read-only server, waiting for a connection, and forks."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from api.postgres import pool as pool_module
from api.postgres.database import CHECK_OUT_TIMEOUT, Database
from api.postgres.errors import DatabaseUnavailable, Overloaded
from api.postgres.pool import QUEUE_TIMEOUT
from tests.postgres.statements import (
    LOCK,
    OURS,
    PATIENCE,
    WAIT_FOR_GATE,
    Admin,
    check_out,
    gate_shut,
    open_connections,
    run_aside,
    url_as,
    wait_at_gate,
)
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]


def wait_for_waiting(database: Database, number: int) -> None:
    wait_until(lambda: database.pool.waiting == number, f"{number} threads to wait")


class TestCutConnections:
    def test_cut_idle_connections_fail_no_request(self, database: Database, admin: Admin) -> None:
        open_connections(database, 4)
        admin(f"SELECT pg_terminate_backend(pid, 5000) {OURS}")
        for _ in range(8):
            assert database.run("INSERT INTO notes SELECT count(*) FROM notes RETURNING 1") == [(1,)]
        assert not database.errors

    def test_a_cut_busy_connection_is_reported_and_its_statement_not_repeated(
        self, database: Database, admin: Admin
    ) -> None:
        database.run("CREATE SEQUENCE IF NOT EXISTS runs")
        before = database.run("SELECT nextval('runs')")[0][0]
        thread, outcome = run_aside(database, "SELECT nextval('runs'), pg_sleep(60)")
        terminate_busy(admin, "SELECT nextval%")
        thread.join()
        assert isinstance(outcome[0], DatabaseUnavailable)
        assert outcome[0].kind == "connection_lost"
        assert database.run("SELECT nextval('runs')") == [(before + 2,)]

    def test_a_repeatable_statement_on_a_cut_connection_is_repeated(self, database: Database, admin: Admin) -> None:
        with gate_shut(admin):
            thread, outcome = run_aside(
                database, f"SELECT 'again', pg_advisory_xact_lock_shared({LOCK})", repeatable=True
            )
            terminate_busy(admin, "SELECT 'again'%")
        thread.join()
        assert outcome == [[("again", "")]]

    def test_after_one_cut_connection_the_idle_ones_are_discarded(self, database: Database, admin: Admin) -> None:
        open_connections(database, 3)
        thread, _ = run_aside(database, "SELECT 'busy', pg_sleep(60)")
        terminate_busy(admin, "SELECT 'busy'%")
        thread.join()
        assert database.pool.idle == 0

    def test_connections_to_a_server_that_became_read_only_are_discarded(
        self, database: Database, admin: Admin
    ) -> None:
        name = admin("SELECT current_database()")[0][0]
        admin(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        database.close()
        open_connections(database, 2)
        with pytest.raises(DatabaseUnavailable) as caught:
            database.run("INSERT INTO notes VALUES (1, 'a')")
        assert caught.value.kind == "read_only"
        open_connections(database, 2)
        admin(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        database.run("INSERT INTO notes VALUES (1, 'a')")
        assert database.run("SELECT id FROM notes") == [(1,)]


def terminate_busy(admin: Admin, query: str) -> None:
    """Terminate the backend that runs a query, but not one that repeats it."""
    found = f"SELECT pid {OURS} AND query LIKE %s AND state = 'active'"
    [(pid,)] = wait_until(lambda: admin(found, query), "the statement to run")
    admin("SELECT pg_terminate_backend(%s)", pid)


class TestTooFewConnections:
    def test_the_wait_for_a_connection_is_bounded(self, make_database: Callable[..., Database]) -> None:
        """By less than a statement may take; by a second, unless that is set."""
        assert CHECK_OUT_TIMEOUT == 1.0
        database = make_database(pool_size=1, check_out_timeout=0.5)
        lent = check_out(database)
        started = time.monotonic()
        with pytest.raises(Overloaded):
            database.run("SELECT 1")
        assert 0.45 < time.monotonic() - started < PATIENCE / 2
        assert database.errors == {"overloaded": 1}
        database.pool.check_in(lent)
        assert database.run("SELECT 1") == [(1,)]

    def test_waiting_threads_are_served_in_order(self, make_database: Callable[..., Database]) -> None:
        database = make_database(pool_size=1)
        database.run("CREATE SEQUENCE turns")
        lent = check_out(database)
        outcomes = []
        for number in range(5):
            outcomes.append(run_aside(database, "SELECT nextval('turns')"))
            wait_for_waiting(database, number + 1)
        database.pool.check_in(lent)
        for thread, _ in outcomes:
            thread.join()
        assert [outcome for _, outcome in outcomes] == [[[(turn,)]] for turn in range(1, 6)]

    def test_the_pool_never_exceeds_its_size(self, make_database: Callable[..., Database], admin: Admin) -> None:
        wait_until(lambda: admin(f"SELECT count(*) {OURS}") == [(0,)], "earlier connections to end")
        database = make_database(pool_size=3)
        most = 0
        with gate_shut(admin):
            threads = [run_aside(database, WAIT_FOR_GATE)[0] for _ in range(12)]
            wait_for_waiting(database, 9)
            wait_at_gate(admin, 3)
        while any(thread.is_alive() for thread in threads):
            most = max(most, int(str(admin(f"SELECT count(*) {OURS}")[0][0])))
        assert most <= 3
        assert not database.errors

    def test_a_server_without_free_connections_does_not_affect_established_ones(
        self, make_database: Callable[..., Database], admin: Admin, url: str, role: str
    ) -> None:
        admin(f"ALTER ROLE {role} CONNECTION LIMIT 1")
        database = make_database(url_as(role, url), pool_size=4)
        outcomes = [run_aside(database, "SELECT pg_sleep(0.1)") for _ in range(6)]
        for thread, _ in outcomes:
            thread.join()
        assert [outcome for _, outcome in outcomes] == [[[("",)]]] * 6


FORKING = """
import functools, os, sys
from api.postgres.database import Database

database = Database(sys.argv[1], pool_size=2, statement_timeout=0.5, check_out_timeout=60)
run = functools.partial(database.run, "SELECT pg_backend_pid()", at_least=60)
parent = run()
child = os.fork()
if child == 0:
    same = run() == parent
    try:
        database.run("SELECT pg_sleep(60)")
    except Exception as ex:
        os._exit(0 if getattr(ex, "kind", "") == "deadline" and not same else 1)
    os._exit(2)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert run() == parent
database.close()
"""


def test_a_forked_child_has_its_own_connections_and_deadlines(url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKING, url], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def test_callers_beyond_the_queue_limit_are_rejected_at_once(make_database: Callable[..., Database]) -> None:
    database = make_database(pool_size=1, max_waiting=1)
    lent = check_out(database)
    thread, outcome = run_aside(database, "SELECT 1")
    wait_for_waiting(database, 1)
    time.sleep(QUEUE_TIMEOUT)
    started = time.monotonic()
    with pytest.raises(Overloaded):
        database.run("SELECT 1")
    assert time.monotonic() - started < PATIENCE / 2
    assert (database.pool.waiting, outcome) == (1, [])
    database.pool.check_in(lent)
    thread.join()
    assert outcome == [[(1,)]]


def test_a_burst_beyond_the_queue_limit_is_served_while_the_queue_moves(
    make_database: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "QUEUE_TIMEOUT", PATIENCE)
    database = make_database(pool_size=1, max_waiting=1)
    lent = check_out(database)
    together = [run_aside(database, "SELECT 1") for _ in range(5)]
    wait_for_waiting(database, 5)
    database.pool.check_in(lent)
    for thread, _ in together:
        thread.join()
    assert [outcome for _, outcome in together] == [[[(1,)]]] * 5


def test_callers_admitted_beyond_the_queue_limit_give_up_before_the_others(
    make_database: Callable[..., Database],
) -> None:
    """Otherwise they would occupy the threads that serve requests without a connection."""
    database = make_database(pool_size=1, max_waiting=1)
    lent = check_out(database)
    first, outcome_of_first = run_aside(database, "SELECT 1")
    wait_for_waiting(database, 1)
    others = [run_aside(database, "SELECT 1") for _ in range(3)]
    for thread, outcome in others:
        thread.join()
        assert isinstance(outcome[0], Overloaded)
    assert (database.pool.waiting, outcome_of_first) == (1, [])
    database.pool.check_in(lent)
    first.join()
    assert outcome_of_first == [[(1,)]]

"""A process that cannot start threads for a while: each statement ends in time, and the pool recovers afterwards."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.processes import without_coverage

ROOT = Path(__file__).parents[2]
PRELUDE = """
import functools, sys, threading, time
from api.postgres import database as database_module, deadlines
from api.postgres.database import Database
from tests.postgres.starvation import STACK, address_space, no_threads, outcome

# Only what a script names times out.
def patient(**options):
    return Database(sys.argv[1], **{"statement_timeout": 60, "check_out_timeout": 60, **options})

def idle_connections(database, number):
    pool, deadline = database.pool, time.monotonic() + 60
    lent = [pool.check_out(deadline) for _ in range(number)]
    for connection in lent:
        pool.check_in(connection)
"""


@pytest.fixture(scope="module")
def url(create_database: Callable[[], str]) -> str:
    return create_database()


def run_script(script: str, *arguments: str) -> None:
    """Run a script in a new process; its asserts must hold.

    Coverage is not measured in it: its own start in a thread would need the memory that the script takes away.
    """
    command = [sys.executable, "-c", PRELUDE + script, *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=without_coverage(), capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_pool_without_a_connection_fails_at_once_and_recovers(url: str) -> None:
    run_script(
        """
database = patient(pool_size=2)
with no_threads():
    started = time.monotonic()
    assert [outcome(database) for _ in range(3)] == ["overloaded"] * 3
    assert time.monotonic() - started < 30
    assert (database.pool.in_use, database.pool.waiting) == (0, 0)
assert outcome(database) == [(1,)]
assert (database.pool.in_use, database.pool.waiting) == (0, 0)
assert database.errors == {"overloaded": 3}
""",
        url,
    )


def test_all_waiting_callers_get_the_error(url: str) -> None:
    run_script(
        """
database = patient(pool_size=2)
idle_connections(database, 2)
outcomes = []
def work():
    outcomes.append(outcome(database))
pool = database.pool
first, second = pool.check_out(time.monotonic()), pool.check_out(time.monotonic())
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
while pool.waiting < 3:
    time.sleep(0.01)
with no_threads():
    started = time.monotonic()
    pool.discard(first)
    assert pool.waiting == 3, "the other connection may still come back"
    pool.discard(second)
    for thread in threads:
        thread.join()
    assert time.monotonic() - started < 30
assert outcomes == ["overloaded"] * 3
assert outcome(database) == [(1,)]
assert (pool.in_use, pool.waiting) == (0, 0)
""",
        url,
    )


def test_a_returned_connection_serves_a_waiting_caller(url: str) -> None:
    run_script(
        """
database = patient(pool_size=2)
assert outcome(database) == [(1,)]
pool = database.pool
lent = pool.check_out(time.monotonic() + 60)
def give_back():
    while not pool.waiting:
        time.sleep(0.01)
    pool.check_in(lent)
giver = threading.Thread(target=give_back)
giver.start()
with no_threads():
    assert outcome(database) == [(1,)]
giver.join()
assert pool.idle == 1
""",
        url,
    )


def test_no_statement_runs_without_the_watchdog(url: str) -> None:
    run_script(
        """
database = patient(pool_size=1, statement_timeout=0.5)
idle_connections(database, 1)
with no_threads():
    assert outcome(database) == "overloaded"
    assert (database.pool.in_use, database.pool.idle) == (0, 1)
assert outcome(database, "SELECT pg_sleep(60)") == "deadline"
""",
        url,
    )


def test_deadlines_hold_when_no_cancel_request_can_be_sent(url: str) -> None:
    """More deadlines than cancel requests in flight are allowed; afterwards one is still sent."""
    run_script(
        """
database = patient(pool_size=10, statement_timeout=0.1)
idle_connections(database, 10)
short = functools.partial(database.run, "SELECT 1", at_least=60)
assert short() == [(1,)]
# A connection that was shut down is no outage here, and the server has long to act on a cancel request at the end.
database_module.SILENCE_TIMEOUT = 60
with no_threads():
    for _ in range(9):
        started = time.monotonic()
        assert outcome(database, "SELECT pg_sleep(60)") == "deadline"
        assert time.monotonic() - started < 30
        assert short() == [(1,)]
deadlines.CANCEL_GRACE = 60
caught = "DO $$ BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END $$"
assert outcome(database, caught) == []
""",
        url,
    )


def test_a_thread_that_runs_out_of_memory_at_its_start_blocks_no_caller() -> None:
    """Its memory suffices for the stack but not for the first line of its target."""
    run_script(
        """
import resource
from api.postgres.threads import start_thread

page = resource.getpagesize()
results = []
for pages in range(32):
    ran = threading.Event()
    # A different stack size each time: the C library may cache the last one.
    stack = STACK + pages * page
    threading.stack_size(stack)
    with address_space(stack + pages * page):
        started = time.monotonic()
        result = start_thread(ran.set)
        assert time.monotonic() - started < 30
    assert result == ran.wait(30 if result else 0.1), pages
    results.append(result)
assert set(results) == {True, False}
"""
    )

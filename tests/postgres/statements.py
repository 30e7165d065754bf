"""Runs statements in separate threads and as other roles."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from api.postgres.connection import Connection
from api.postgres.database import Database
from tests.support.waiting import wait_until

Admin = Callable[..., list[tuple[object, ...]]]

PATIENCE = 60.0
"""Seconds that a test gives what it does not mean to time out. Far below it: what must end at once."""

OURS = "FROM pg_stat_activity WHERE application_name = 'tasks' AND datname = current_database()"
"""Sessions of Database objects."""

LOCK = 7
WAIT_FOR_GATE = f"SELECT pg_advisory_xact_lock_shared({LOCK})"
"""A statement that waits while the gate is shut."""


@contextlib.contextmanager
def gate_shut(admin: Admin) -> Iterator[None]:
    """Within this block `WAIT_FOR_GATE` waits."""
    admin(f"SELECT pg_advisory_lock({LOCK})")
    try:
        yield
    finally:
        admin(f"SELECT pg_advisory_unlock({LOCK})")


def wait_at_gate(admin: Admin, number: int) -> None:
    """Return when this many sessions wait at the gate."""
    found = f"SELECT count(*) {OURS} AND wait_event_type = 'Lock'"
    wait_until(lambda: admin(found) == [(number,)], f"{number} sessions to wait")


def url_as(role: str, url: str) -> str:
    return url.replace("//postgres", f"//{role}", 1)


def check_out(database: Database) -> Connection:
    """Check a connection out, however long that takes."""
    return database.pool.check_out(time.monotonic() + PATIENCE)


def open_connections(database: Database, number: int) -> None:
    """Make the pool hold this many idle connections."""
    lent = [check_out(database) for _ in range(number)]
    for connection in lent:
        database.pool.check_in(connection)
    assert database.pool.idle == number


def run_aside(database: Database, sql: str, *, repeatable: bool = False) -> tuple[threading.Thread, list[object]]:
    """Run a statement in a thread; its rows or its error are appended to the list."""
    outcome: list[object] = []

    def work() -> None:
        try:
            outcome.append(database.run(sql, repeatable=repeatable))
        except Exception as ex:
            outcome.append(ex)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, outcome

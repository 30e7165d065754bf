"""Runs statements in separate threads and as other roles."""

from __future__ import annotations

import threading
from collections.abc import Callable

from api.postgres.database import Database

Admin = Callable[..., list[tuple[object, ...]]]


def url_as(role: str, url: str) -> str:
    return url.replace("//postgres", f"//{role}", 1)


def open_connections(database: Database, number: int) -> None:
    """Make the pool hold this many idle connections."""
    threads = [threading.Thread(target=database.run, args=("SELECT pg_sleep(0.2)",)) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
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

"""Limits the threads and the memory of this process for a while. Use it in subprocesses only."""

from __future__ import annotations

import contextlib
import resource
import threading
from collections.abc import Iterator
from pathlib import Path

from api.postgres.database import Database
from api.postgres.errors import DatabaseUnavailable, Overloaded

STACK = 64 << 20
"""Bytes of a new thread's stack: more than the C library caches from ended threads."""


@contextlib.contextmanager
def address_space(spare: int) -> Iterator[None]:
    """Within this block the process can allocate at most `spare` further bytes."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + spare, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


@contextlib.contextmanager
def no_threads() -> Iterator[None]:
    """Within this block no thread can be started; other allocations still succeed."""
    threading.stack_size(STACK)
    with address_space(spare=STACK // 4):
        yield


def outcome(database: Database, sql: str = "SELECT 1") -> object:
    """The rows of a statement, or the kind of its error."""
    try:
        return database.run(sql)
    except DatabaseUnavailable as ex:
        return ex.kind
    except Overloaded:
        return "overloaded"

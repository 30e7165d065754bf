"""Take threads and memory from a process for a while. For subprocesses: the limits hold for the whole process."""

from __future__ import annotations

import contextlib
import resource
import threading
from collections.abc import Iterator
from pathlib import Path

from api.postgres.database import Database
from api.postgres.errors import DatabaseUnavailable, Overloaded

STACK = 64 << 20
"""Bytes of a new thread's stack: more than the C library keeps of threads that have ended."""


@contextlib.contextmanager
def address_space(spare: int) -> Iterator[None]:
    """Within this block the process can take this many bytes more, until then."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + spare, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


@contextlib.contextmanager
def no_threads() -> Iterator[None]:
    """Within this block no thread can be started, while there is memory for all else."""
    threading.stack_size(STACK)
    with address_space(spare=STACK // 4):
        yield


def outcome(database: Database, sql: str = "SELECT 1") -> object:
    """The rows of a statement, or the word for its error."""
    try:
        return database.run(sql)
    except DatabaseUnavailable as ex:
        return ex.kind
    except Overloaded:
        return "overloaded"

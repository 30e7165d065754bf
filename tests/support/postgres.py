"""A PostgreSQL that tests may kill, and administrative access to it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg2
import psycopg2.extensions

from api.postgres.database import Database
from api.postgres.embedded import start_embedded, stop_embedded


def connect(url: str) -> Database:
    """A Database as in the service, with a pool and timeouts that suffice for tests, on a busy machine too."""
    return Database(url, pool_size=8, statement_timeout=30, check_out_timeout=30)


def as_superuser(url: str) -> str:
    """The URL of the embedded server for the role that may create databases."""
    return url.replace("//tasks@", "//postgres@")


class Server:
    """A PostgreSQL server on one data directory, running after construction."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.url = start_embedded(data_dir)

    def kill(self) -> None:
        """Kill all its processes at once, as in a crash: they neither notify clients nor write anything."""
        postmaster = self.postmaster()
        # It must start no process between the look at its children and its end.
        postmaster.suspend()
        for process in (postmaster, *postmaster.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def postmaster(self) -> psutil.Process:
        """Its first process, the parent of all others."""
        pid_file = self.data_dir / "postgres" / "postmaster.pid"
        return psutil.Process(int(pid_file.read_text().split()[0]))

    def postmaster_or_none(self) -> psutil.Process | None:
        """The same; None if it does not run, or is just starting and has not written all of its file."""
        try:
            return self.postmaster()
        except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
            return None

    def start(self) -> float:
        """Start it unless it runs; the time (monotonic) of the first accepted connection."""
        with ThreadPoolExecutor(1) as starter:
            started = starter.submit(start_embedded, self.data_dir)
            while not self._accepts() and not (started.done() and started.exception()):
                time.sleep(0.01)
            accepted = time.monotonic()
            started.result()
        return accepted

    def stop(self) -> None:
        stop_embedded(self.data_dir)

    def restart(self) -> float:
        """Stop it cleanly and start it again; returns the same as `start`."""
        self.stop()
        return self.start()

    def terminate_connections(self) -> int:
        """Terminate all connections of services; their number."""
        return self._count("pg_terminate_backend(pid)")

    def count_connections(self) -> int:
        """The number of connections of services."""
        return self._count("*")

    @contextlib.contextmanager
    def connect(self) -> Iterator[psycopg2.extensions.connection]:
        """A separate connection in autocommit mode."""
        connection = psycopg2.connect(self.url)
        connection.autocommit = True
        try:
            yield connection
        finally:
            connection.close()

    def count_waiting(self) -> int:
        """The number of connections of services that wait for a lock."""
        return self._count("*", "wait_event_type = 'Lock'")

    @contextlib.contextmanager
    def locked(self, task_id: int) -> Iterator[None]:
        """Within this block a transaction locks the task's row."""
        connection = psycopg2.connect(self.url)
        try:
            connection.cursor().execute("SELECT FROM tasks WHERE id = %s FOR UPDATE", (task_id,))
            yield
        finally:
            connection.close()

    def _count(self, what: str, condition: str = "true") -> int:
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                f"SELECT count({what}) FROM pg_stat_activity WHERE application_name = 'tasks' AND {condition}"
            )
            row = cursor.fetchone()
        assert row is not None
        return int(row[0])

    def _accepts(self) -> bool:
        try:
            psycopg2.connect(self.url, connect_timeout=2).close()
        except psycopg2.OperationalError:
            return False
        return True

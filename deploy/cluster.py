"""A cluster on one machine: three instances of the service behind HAProxy, one PostgreSQL behind PgBouncer, and one
Redis that counts the rate limits of all instances.

python deploy/cluster.py     start everything on free ports of 127.0.0.1 and print them; Ctrl-C stops and removes all

Settings in the environment reach the instances; PORT is HAProxy's. A demonstration, not a deployment.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final
from urllib.request import urlopen

from psycopg2.extensions import parse_dsn

PROJECT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from api.postgres.embedded import EmbeddedError, start_embedded, stop_embedded  # noqa: E402 the project need not be installed

INSTANCES: Final = 3
DEADLINE: Final = 60.0


class ClusterError(Exception):
    """A program is missing, does not start or has ended. The message says which one and what to do."""


class Parts:
    """The running programs. Each writes its output to <name>.log; they stop in reverse order of their start."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, name: str, *command: str, environ: Mapping[str, str] | None = None) -> None:
        """Start a program in its own session, so that Ctrl-C does not reach it: `stop` ends the programs in order."""
        search_path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))
        program = shutil.which(command[0], path=search_path)
        if program is None:
            raise ClusterError(f"{command[0]} is not installed: apt install {command[0]}")
        with self._log(name).open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 only the commands below are run
                [program, *command[1:]],
                cwd=self._directory,
                env=None if environ is None else dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append((name, process))

    def check(self) -> None:
        """Raise ClusterError if a program has ended."""
        for name, process in self._running:
            if process.poll() is not None:
                output = self._log(name).read_text(errors="replace")[-2000:]
                raise ClusterError(f"{name} ended with status {process.returncode}:\n{output}")

    def wait_for(self, what: str, condition: Callable[[], object]) -> None:
        """Wait until `condition` is true. Raises ClusterError at the deadline, or if a program has ended."""
        deadline = time.monotonic() + DEADLINE
        while not condition():
            self.check()
            if time.monotonic() > deadline:
                raise ClusterError(f"{what} did not start within {DEADLINE:g} s")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop all programs, HAProxy first."""
        for name, process in reversed(self._running):
            # On SIGTERM PgBouncer drops its clients at once; the instances have stopped by then.
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                print(f"cluster: {name} did not stop within 20 s and was killed", file=sys.stderr)
                process.kill()
                process.wait()

    def _log(self, name: str) -> Path:
        return self._directory / f"{name}.log"


def run(directory: Path, stopped: Callable[[], bool]) -> None:
    """Start everything in `directory`, print the addresses, and stop it once `stopped` returns true."""
    parts = Parts(directory)
    redis, pooler, front = free_port(), free_port(), int(os.environ.get("PORT") or free_port())
    ports = [free_port() for _ in range(INSTANCES)]
    metrics = [free_port() for _ in range(INSTANCES)]
    data = directory / "data"
    try:
        database = start_embedded(data)
        parts.start("redis", "redis-server", *f"--port {redis} --bind 127.0.0.1 --save".split(), "")
        command, url = prepare_pgbouncer(directory, database, pooler)
        parts.start("pgbouncer", *command)
        parts.wait_for("Redis and PgBouncer", lambda: listens(redis) and listens(pooler))
        environ = {
            "BETTER_AUTH_SECRET": secrets.token_urlsafe(32),
            "WORKERS": "1",
            "LOG_FORMAT": "json",
            **os.environ,
            "DATABASE_URL": url,
            "RATE_LIMIT_STORAGE": f"redis://127.0.0.1:{redis}/0",
            "TRUSTED_PROXY": "127.0.0.1",
            "HOST": "127.0.0.1",
        }
        for number, (port, metrics_port) in enumerate(zip(ports, metrics, strict=True), start=1):
            own = {"PORT": str(port), "METRICS_PORT": str(metrics_port)}
            parts.start(f"instance-{number}", sys.executable, str(PROJECT / "serve.py"), environ={**environ, **own})
        for port in ports:
            parts.wait_for(f"the instance on port {port}", partial(is_ready, port))
        (directory / "haproxy.cfg").write_text(haproxy_config(front, ports), encoding="utf-8")
        parts.start("haproxy", "haproxy", "-db", "-f", str(directory / "haproxy.cfg"))
        parts.wait_for("HAProxy", lambda: is_ready(front))
        print(
            f"cluster: ready at http://127.0.0.1:{front}, instances at {join(ports)}, metrics at {join(metrics)}, "
            f"database {database}, logs in {directory}",
            flush=True,
        )
        while not stopped():
            parts.check()
            time.sleep(0.2)
    finally:
        parts.stop()
        stop_embedded(data)


def prepare_pgbouncer(directory: Path, database: str, port: int, **settings: int) -> tuple[list[str], str]:
    """The command that runs pgbouncer.ini for a database, with changed `settings`, and the URL through PgBouncer.

    The files that the command needs are written to `directory`.
    """
    password = secrets.token_hex(16)
    server = parse_dsn(database)
    users = directory / "users.txt"
    users.write_text(f'"tasks" "{password}"\n', encoding="utf-8")
    changes = {
        "tasks": f"host={server['host']} port={server['port']} dbname={server['dbname']} user={server['user']}",
        "listen_port": port,
        "auth_file": users,
        **settings,
    }
    text = (Path(__file__).parent / "pgbouncer.ini").read_text(encoding="utf-8")
    for name, value in changes.items():
        text, count = re.subn(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.MULTILINE)
        assert count == 1, name
    config = directory / "pgbouncer.ini"
    config.write_text(text, encoding="utf-8")
    command = ["pgbouncer", str(config)]
    if os.geteuid() == 0:
        # Like PostgreSQL it refuses to run as root. PostgreSQL's own account has access to its socket.
        socket_dir = Path(server["host"])
        owner = pwd.getpwuid(socket_dir.stat().st_uid) if socket_dir.is_dir() else pwd.getpwnam("nobody")
        for path in (users, config):
            os.chown(path, owner.pw_uid, owner.pw_gid)
        command[1:1] = ["--user", owner.pw_name]
    return command, f"postgresql://tasks:{password}@127.0.0.1:{port}/tasks"


def haproxy_config(front: int, ports: list[int]) -> str:
    """The text of haproxy.cfg (beside this file) with other addresses."""
    text = (Path(__file__).parent / "haproxy.cfg").read_text(encoding="utf-8")
    text = re.sub(r"^( *bind) :80$", rf"\1 127.0.0.1:{front}", text, flags=re.MULTILINE)
    text = re.sub(r"^ *server .*\n?", "", text, flags=re.MULTILINE).rstrip()
    return text + "".join(f"\n    server instance-{port} 127.0.0.1:{port}" for port in ports) + "\n"


def free_port() -> int:
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether a program accepts connections on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def is_ready(port: int) -> bool:
    """Whether GET /ready on the port responds with 200."""
    with contextlib.suppress(OSError), urlopen(f"http://127.0.0.1:{port}/ready", timeout=5) as response:
        return bool(response.status == 200)
    return False


def join(ports: list[int]) -> str:
    """The ports as text, separated by spaces."""
    return " ".join(map(str, ports))


@contextlib.contextmanager
def working_directory() -> Iterator[Path]:
    """A temporary directory for all files. The database's account may traverse it."""
    with tempfile.TemporaryDirectory(prefix="tasks-cluster-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def main() -> int:
    """Run the cluster until SIGINT or SIGTERM; the exit status."""
    signals: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: signals.append(number))
    try:
        with working_directory() as directory:
            run(directory, lambda: bool(signals))
    except (ClusterError, EmbeddedError) as ex:
        print(f"cluster: {ex}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

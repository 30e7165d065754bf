"""Several instances on one machine, as on several: three of the service behind HAProxy, one PostgreSQL behind
PgBouncer, one Redis that counts rate limits for all.

python deploy/cluster.py     start it all on free ports of 127.0.0.1 and say where; Ctrl-C stops it, nothing is left

Settings in the environment reach the instances; PORT is the front door's. It proves and it shows: no way to deploy.
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
    """A part that is missing or does not start; the message is for the one who ran this."""


class Parts:
    """The running programs, each with its output in a file of its own name; stopped last started first."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, name: str, *command: str, environ: Mapping[str, str] | None = None) -> None:
        """Start a program, out of reach of the terminal's Ctrl-C: this process stops them in order."""
        places = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))
        program = shutil.which(command[0], path=places)
        if program is None:
            raise ClusterError(f"{command[0]} is not installed: apt install {command[0]}")
        with self._log(name).open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 the commands are those below
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
        """Raise ClusterError where one has ended that should not have."""
        for name, process in self._running:
            if process.poll() is not None:
                said = self._log(name).read_text(errors="replace")[-2000:]
                raise ClusterError(f"{name} ended with status {process.returncode}:\n{said}")

    def wait_for(self, what: str, happened: Callable[[], object]) -> None:
        """Return when it has happened; ClusterError when time is up or a part has ended."""
        deadline = time.monotonic() + DEADLINE
        while not happened():
            self.check()
            if time.monotonic() > deadline:
                raise ClusterError(f"{what} takes longer than {DEADLINE:g} s")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop them all, the front door first."""
        for name, process in reversed(self._running):
            # To PgBouncer a SIGTERM means to drop its clients at once, which are gone by then.
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                print(f"cluster: {name} does not stop, killed", file=sys.stderr)
                process.kill()
                process.wait()

    def _log(self, name: str) -> Path:
        return self._directory / f"{name}.log"


def run(directory: Path, stopped: Callable[[], bool]) -> None:
    """Start everything in `directory`, say where it is, and stop it when `stopped` says so."""
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
            parts.wait_for(f"the instance on port {port}", partial(answers, port))
        (directory / "haproxy.cfg").write_text(haproxy_config(front, ports), encoding="utf-8")
        parts.start("haproxy", "haproxy", "-db", "-f", str(directory / "haproxy.cfg"))
        parts.wait_for("HAProxy", lambda: answers(front))
        print(
            f"cluster: ready at http://127.0.0.1:{front}, instances at {shown(ports)}, metrics at {shown(metrics)}, "
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
    """The command that runs pgbouncer.ini for a database, with `settings` in it changed, and the URL through it.

    `directory` gets its files.
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
        # It refuses to run as root, as PostgreSQL does; and who runs that one may pass to its socket.
        socket_dir = Path(server["host"])
        owner = pwd.getpwuid(socket_dir.stat().st_uid) if socket_dir.is_dir() else pwd.getpwnam("nobody")
        for path in (users, config):
            os.chown(path, owner.pw_uid, owner.pw_gid)
        command[1:1] = ["--user", owner.pw_name]
    return command, f"postgresql://tasks:{password}@127.0.0.1:{port}/tasks"


def haproxy_config(front: int, ports: list[int]) -> str:
    """haproxy.cfg beside this file, with other addresses."""
    text = (Path(__file__).parent / "haproxy.cfg").read_text(encoding="utf-8")
    text = re.sub(r"^( *bind) :80$", rf"\1 127.0.0.1:{front}", text, flags=re.MULTILINE)
    text = re.sub(r"^ *server .*\n?", "", text, flags=re.MULTILINE).rstrip()
    return text + "".join(f"\n    server instance-{port} 127.0.0.1:{port}" for port in ports) + "\n"


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers(port: int) -> bool:
    """Whether the service there can serve."""
    with contextlib.suppress(OSError), urlopen(f"http://127.0.0.1:{port}/ready", timeout=5) as answer:
        return bool(answer.status == 200)
    return False


def shown(ports: list[int]) -> str:
    """Ports, for people."""
    return " ".join(map(str, ports))


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A directory for everything, gone at the end; the database's account may pass through it."""
    with tempfile.TemporaryDirectory(prefix="tasks-cluster-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def main() -> int:
    """Run it until SIGINT or SIGTERM."""
    signals: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: signals.append(number))
    try:
        with scratch() as directory:
            run(directory, lambda: bool(signals))
    except (ClusterError, EmbeddedError) as ex:
        print(f"cluster: {ex}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

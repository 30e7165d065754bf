"""Starts programs, `serve.py` above all, and calls those that serve HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.client import HTTPException
from itertools import count
from pathlib import Path
from typing import Any

from tests.support.http import Response, call
from tests.support.ports import free_port
from tests.support.signing import SECRET
from tests.support.waiting import WAIT_TIMEOUT, wait_until

PROJECT = Path(__file__).resolve().parents[2]
START_TIMEOUT = 120.0

UNLIMITED = {"BETTER_AUTH_SECRET": SECRET, "BCRYPT_COST": "4", "RATE_LIMIT": "", "AUTH_RATE_LIMIT": ""}
"""Settings without rate limits."""

PATIENT = {"STATEMENT_TIMEOUT": "10"}
"""A setting for tests that are not about deadlines: on a busy machine a statement may take longer than the default."""


def without_coverage() -> dict[str, str]:
    """This process's environment, without the variables that have the coverage of its children measured."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COV")}


def read_events(log: str) -> list[dict[str, Any]]:
    """The events of a service's log with LOG_FORMAT=json.

    libpq itself prints the notice with which a stopping PostgreSQL ends a connection that has just been opened:
    psycopg2 cannot take its notices before. Any other line that is not JSON is an error. The last line does not count
    while its end is missing: the service is just writing it.
    """
    lines = (line for line in complete(log) if not line.startswith("FATAL:  terminating connection due to"))
    return [json.loads(line) for line in lines]


def complete(log: str) -> list[str]:
    """The lines of a log, without a last one that is not written to its end."""
    return log.split("\n")[:-1]


class Program:
    """A started program. Its output is appended to `log`; it can be started again after its end."""

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        *,
        cwd: Path = PROJECT,
        environ: Mapping[str, str] | None = None,
        new_session: bool = False,
    ) -> None:
        self.log_file = log
        self._command = command
        self._options: dict[str, Any] = {"cwd": cwd, "env": environ, "start_new_session": new_session}
        self.start()

    def start(self) -> None:
        with self.log_file.open("ab") as output:
            self.process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **self._options
            )

    @property
    def output(self) -> str:
        """Its output so far."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def wait_until(self, condition: Callable[[], object], what: str, timeout: float = START_TIMEOUT) -> None:
        """Return when the condition is true.

        Raises AssertionError with the output, and kills the program, on a timeout or if the program ends.
        """

        def is_true() -> object:
            assert self.process.poll() is None, f"ended before {what}"
            return condition()

        try:
            wait_until(is_true, what, timeout)
        except AssertionError as ex:
            self.kill()
            raise AssertionError(f"{ex}\n{self.output}") from None

    def children(self) -> list[int]:
        """The process ids of its children; the first is the oldest."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def stop(self, number: int = signal.SIGTERM, timeout: float = WAIT_TIMEOUT) -> int:
        """Send the signal unless it has ended; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(WAIT_TIMEOUT)


class WebServer(Program):
    """A program that serves HTTP on `port`; the other arguments are those of Program."""

    def __init__(self, command: Sequence[str | Path], log: Path, *, port: int, **options: Any) -> None:
        self.port = port
        super().__init__(command, log, **options)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = WAIT_TIMEOUT,
    ) -> Response:
        """Send one request on a new connection; a `body` other than bytes is sent as JSON."""
        return call(self.port, method, path, body, token=token, headers=headers, timeout=timeout)

    def serves(self, path: str) -> bool:
        """Whether a GET of the path is 200."""
        with contextlib.suppress(OSError, HTTPException):
            return self.call("GET", path).status == 200
        return False

    def wait_until_ready(self, timeout: float = START_TIMEOUT, path: str = "/ready") -> None:
        self.wait_until(lambda: self.serves(path), f"{path} to be 200", timeout)


class Service(WebServer):
    """The `serve.py` of a project's folder with these settings, started in the folder of its log.

    `prefix` is a command that executes the command after it, such as `setpriv`. The statements of `prelude` run first,
    such as those that change a constant for which there is no setting.
    """

    def __init__(
        self,
        log: Path,
        environ: Mapping[str, str],
        project: Path = PROJECT,
        *,
        prefix: Sequence[str] = (),
        prelude: str = "",
    ) -> None:
        port = int(environ["PORT"]) if environ.get("PORT", "").isdigit() else free_port()
        names = {"PATH", "HOME", "TMPDIR", "COVERAGE_PROCESS_CONFIG"}
        if project != PROJECT:
            # Coverage would report files of another version, which are gone by then.
            names.remove("COVERAGE_PROCESS_CONFIG")
        inherited = {name: os.environ[name] for name in names & os.environ.keys()}
        settings = {"LOG_FORMAT": "json", "PORT": str(port), **environ}
        program = f"import os, sys; sys.path.insert(0, {str(project)!r}); import serve; {prelude}; "
        changed = ["-c", f"{program}sys.exit(serve.main([], os.environ))"]
        super().__init__(
            [*prefix, sys.executable, *(changed if prelude else [str(project / "serve.py")])],
            log,
            port=port,
            cwd=log.parent,
            environ={**inherited, **settings},
        )

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines whose event is `name`."""
        lines = [json.loads(line) for line in complete(self.output) if line.startswith("{")]
        return [line for line in lines if line.get("event") == name]

    def wait_for_event(self, name: str) -> dict[str, Any]:
        """Wait for a log line whose event is `name`; the first such line."""
        return self.wait_for_events(name, 1)[0]

    def wait_for_events(self, name: str, number: int) -> list[dict[str, Any]]:
        """Wait for so many log lines whose event is `name`, or more."""
        wait_until(lambda: len(self.events(name)) >= number, f"the event {name}, {number} times")
        return self.events(name)


@contextlib.contextmanager
def running(log: Path, *, prefix: Sequence[str] = (), prelude: str = "", **environ: str) -> Iterator[Service]:
    """A ready service, stopped at the end."""
    service = Service(log, environ, prefix=prefix, prelude=prelude)
    try:
        service.wait_until_ready()
        yield service
    finally:
        service.stop()


@contextlib.contextmanager
def starting(folder: Path, **basis: str) -> Iterator[Callable[..., Service]]:
    """A function that starts a service with these and further settings; all are stopped at the end."""
    numbers = count()
    with contextlib.ExitStack() as stack:

        def start(*, prefix: Sequence[str] = (), **environ: str) -> Service:
            log = folder / f"service-{next(numbers)}.log"
            return stack.enter_context(running(log, prefix=prefix, **{**basis, **environ}))

        yield start

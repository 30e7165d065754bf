"""A service while it runs: started on a free port, waited for, its memory and processor time read, stopped."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.services import Service

HOST = "127.0.0.1"
START_DEADLINE = 60.0
STOP_DEADLINE = 15.0
LOG_TAIL = 2000


class StartFailed(Exception):
    """A service did not come up; the message ends with what it printed."""


@dataclass(frozen=True)
class Running:
    """A started service; `ready_after` are the seconds from its start to its first answer."""

    service: Service
    port: int
    process: psutil.Process
    ready_after: float
    log: Path

    @property
    def origin(self) -> str:
        return f"http://{HOST}:{self.port}"

    def processes(self) -> list[psutil.Process]:
        """The process and all that it started."""
        return [self.process, *self.process.children(recursive=True)]

    def processor_seconds(self) -> float:
        """Processor time that all its processes have used so far."""
        total = 0.0
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
        return total

    def memory(self) -> Memory:
        """What its processes hold now."""
        sizes = []
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                info = process.memory_full_info()
                sizes.append((info.rss, info.pss))
        return Memory(max(rss for rss, _ in sizes), max(pss for _, pss in sizes), sum(pss for _, pss in sizes))


@dataclass(frozen=True)
class Memory:
    """Bytes: the largest process's resident set and proportional share, and the shares of all processes together."""

    rss: int
    pss: int
    total_pss: int


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def started(service: Service, database_url: str, secret: str, workers: int, log_dir: Path) -> Iterator[Running]:
    """Run the service until the end of the block. Raises StartFailed."""
    port = free_port()
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "BETTER_AUTH_SECRET": secret,
        "HOST": HOST,
        "PORT": str(port),
        "WORKERS": str(workers),
        "NODE_ENV": "production",
        **service.environment,
    }
    # Where it is set, each start compiles the service's modules anew, which no user's does.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [part.format(port=port) for part in service.command]
    log = log_dir / f"{service.key}.log"
    begin = time.perf_counter()
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=service.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _await_answer(process, port, service, log)
        yield Running(service, port, psutil.Process(process.pid), time.perf_counter() - begin, log)
    finally:
        _stop(process)


def _await_answer(process: subprocess.Popen[bytes], port: int, service: Service, log: Path) -> None:
    deadline = time.monotonic() + START_DEADLINE
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection(HOST, port, timeout=5)
        try:
            connection.request("GET", "/api/tasks")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.005)
        finally:
            connection.close()
    raise StartFailed(f"{service.title} did not start:\n{tail(log)}")


def tail(log: Path) -> str:
    """The end of what a service has printed."""
    return log.read_text(errors="replace")[-LOG_TAIL:]


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_DEADLINE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()

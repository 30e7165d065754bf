"""Runs a service: starts it on a free port, waits until it responds, reads its memory and processor time, stops it."""

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
    """A service did not start. The message ends with the service's output."""


@dataclass(frozen=True)
class Running:
    """A running service; `ready_after` is the seconds from its start to its first response."""

    service: Service
    port: int
    process: psutil.Process
    ready_after: float
    log: Path

    @property
    def origin(self) -> str:
        return f"http://{HOST}:{self.port}"

    def processes(self) -> list[psutil.Process]:
        """The process and its descendants."""
        return [self.process, *self.process.children(recursive=True)]

    def processor_seconds(self) -> float:
        """Processor time of all its processes so far."""
        total = 0.0
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
        return total

    def memory(self) -> Memory:
        """The memory of its processes."""
        parent = self.process.memory_full_info()
        sizes = []
        for process in self.process.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                info = process.memory_full_info()
                sizes.append((info.rss, info.pss))
        workers = sizes or [(parent.rss, parent.pss)]
        total = parent.pss + sum(pss for _, pss in sizes)
        return Memory(max(rss for rss, _ in workers), max(pss for _, pss in workers), total)


@dataclass(frozen=True)
class Memory:
    """Bytes: the largest worker's resident set (RSS) and proportional set (PSS), and the PSS of all processes.

    A worker is a process that another one has started, or the only process.
    """

    rss: int
    pss: int
    total_pss: int


def free_port() -> int:
    """A free port."""
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
    # With this variable each start would compile the service's modules again, unlike a user's start.
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
        _wait_until_ready(process, port, service, log)
        yield Running(service, port, psutil.Process(process.pid), time.perf_counter() - begin, log)
    finally:
        _stop(process)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, service: Service, log: Path) -> None:
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
    """The end of a service's output."""
    return log.read_text(errors="replace")[-LOG_TAIL:]


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_DEADLINE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()

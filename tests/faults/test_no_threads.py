"""No thread can be started for a while: requests that need one are 503, and all comes back when one can."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from tests.faults.load import Load
from tests.operations.scrape import total
from tests.support.ports import free_port
from tests.support.postgres import Server
from tests.support.processes import Service
from tests.support.programs import find_program
from tests.support.waiting import wait_until

FILES = "-all,+dac_override"
"""The capability to read and write all files, so that the project may lie anywhere."""


def as_an_account(capabilities: str) -> list[str]:
    """What runs a command as an account whose threads the kernel counts: those of root have no limit."""
    if os.geteuid() != 0:
        return []
    account = ["--reuid=65534", "--regid=65534", "--clear-groups"]
    return [find_program("setpriv"), *account, f"--inh-caps={capabilities}", f"--ambient-caps={capabilities}"]


def limit_threads(workers: list[int], limit: str) -> None:
    """Set the soft limit on the threads of these processes' account."""
    for worker in workers:
        command = [find_program("prlimit"), f"--pid={worker}", f"--nproc={limit}:"]
        subprocess.run([*as_an_account("-all"), *command], check=True)


@contextmanager
def no_threads(workers: list[int]) -> Iterator[None]:
    """Within this block these processes can start no thread."""
    # The service has inherited the test's own limit.
    inherited, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    limit_threads(workers, "0")
    yield
    limit_threads(workers, "unlimited" if inherited == resource.RLIM_INFINITY else str(inherited))


@contextmanager
def idle_connections(port: int, number: int) -> Iterator[None]:
    """Connections that each need a thread of their own."""
    with ExitStack() as stack:
        for _ in range(number):
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        yield


def test_threads_are_refused_for_a_while(
    server: Server, start_service: Callable[..., Service], make_load: Callable[..., Load]
) -> None:
    metrics_port = free_port()
    service = start_service(prefix=as_an_account(FILES), METRICS_PORT=str(metrics_port))
    workers = service.children()
    with make_load(service, 20) as load:
        with no_threads(workers), idle_connections(metrics_port, 4):
            refused = time.monotonic()
            while time.monotonic() < refused + 1.5:
                # New connections are opened by threads.
                server.terminate_connections()
                time.sleep(0.1)
            load.wait_for_503(refused)
        load.recover(time.monotonic())
        load.run(0.5)
    load.check("no thread could be started for 1.5 s", server)
    assert service.children() == workers

    def is_at_rest() -> bool:
        in_use = total(metrics_port, "tasks_database_connections", state="in_use")
        idle = total(metrics_port, "tasks_database_connections", state="idle")
        return (in_use, total(metrics_port, "tasks_database_waiting")) == (0, 0) and 0 < idle <= 8

    wait_until(is_at_rest, "the pools to be at rest")
    assert service.stop() == 0

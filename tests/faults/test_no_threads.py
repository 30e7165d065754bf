"""No thread can be started for a while: requests that need one are 503, and all comes back with the memory."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import psutil

from tests.faults.load import Load
from tests.operations.scrape import total
from tests.support.ports import free_port
from tests.support.postgres import Server
from tests.support.processes import Service
from tests.support.waiting import wait_until

BACK_WITHIN = 2.0
SPARE = 1 << 20
"""Bytes: too few for a thread's stack, enough for other allocations."""


@contextmanager
def no_threads(workers: list[int]) -> Iterator[None]:
    """Within this block these processes can start no thread."""
    processes = [psutil.Process(worker) for worker in workers]
    for process in processes:
        process.rlimit(resource.RLIMIT_AS, (process.memory_info().vms + SPARE, resource.RLIM_INFINITY))
    yield
    for process in processes:
        process.rlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@contextmanager
def idle_connections(port: int, number: int) -> Iterator[None]:
    """Connections that each keep a thread, if one can be started: the C library reuses the stacks of ended threads."""
    with ExitStack() as stack:
        for _ in range(number):
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        yield


def test_threads_are_refused_for_a_while(
    server: Server, start_service: Callable[..., Service], make_load: Callable[..., Load]
) -> None:
    metrics_port = free_port()
    service = start_service(METRICS_PORT=str(metrics_port))
    workers = service.children()
    with make_load(service, 20) as load:
        with no_threads(workers), idle_connections(metrics_port, 40):
            refused = time.monotonic()
            while time.monotonic() < refused + 1.5:
                # New connections are opened by threads.
                server.terminate_connections()
                time.sleep(0.1)
            load.wait_for_503(refused)
        load.recover(time.monotonic())
        load.run(0.5)
    load.check("no thread could be started for 1.5 s", server, within=4.0, recovered_within=BACK_WITHIN)
    assert service.children() == workers

    def is_at_rest() -> bool:
        in_use = total(metrics_port, "tasks_database_connections", state="in_use")
        idle = total(metrics_port, "tasks_database_connections", state="idle")
        return (in_use, total(metrics_port, "tasks_database_waiting")) == (0, 0) and 0 < idle <= 8

    wait_until(is_at_rest, "the pools to be at rest")
    assert service.stop() == 0

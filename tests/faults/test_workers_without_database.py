"""Workers that are killed while the database is away start without it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

from tests.faults.client import Client
from tests.faults.connections import connect_to
from tests.faults.figures import BROKEN, Outcome, longest_wait, report
from tests.faults.load import LONGEST_WAIT, Load
from tests.support.postgres import Server
from tests.support.processes import Service
from tests.support.waiting import wait_until

AWAY = 12.0
"""Seconds: longer than a pool tries to connect without any demand."""


def broken(outcomes: list[Outcome]) -> int:
    return sum(each.status == BROKEN for each in outcomes)


def test_workers_killed_while_the_database_is_away_start_without_it(
    server: Server, start_service: Callable[..., Service], make_load: Callable[..., Load]
) -> None:
    service = start_service()
    probes: list[Outcome] = []
    stopped = threading.Event()

    def probe() -> None:
        client = Client(service.port, probes)
        while not stopped.wait(0.05):
            client.call("GET", "/health")
        client.close()

    prober = threading.Thread(target=probe)
    with make_load(service, 20) as load:
        server.kill()
        away = time.monotonic()
        load.wait_for_503(away)
        prober.start()
        for _ in range(3):
            killed = set(service.children())
            for worker in killed:
                os.kill(worker, signal.SIGKILL)
            wait_until(lambda: len(set(service.children()) - killed) == 2, "both replacements")  # noqa: B023
            for worker in service.children():
                connect_to(service, worker, []).close()
            # One that served for less than a second would be replaced after a pause.
            time.sleep(1.2)
        client = Client(service.port)
        while time.monotonic() < away + AWAY:
            assert client.call("GET", "/api/tasks", user="nobody").status == 503
            assert client.call("GET", "/ready").status == 503
            time.sleep(0.1)
        client.close()
        load.recover(server.start())
        service.wait_until_ready()
        stopped.set()
        prober.join()
    report("GET /health meanwhile", probes, 0)
    # A probe may end with the worker that is just killed, but only that one; six were killed.
    assert {each.status for each in probes} <= {200, BROKEN}
    assert broken(probes) <= 6
    assert longest_wait(probes) < LONGEST_WAIT
    load.check("database away for 12 s, both workers killed three times", server, may_break=None)

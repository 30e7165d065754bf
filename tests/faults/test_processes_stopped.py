"""A killed worker and a stopped service, under load: no acknowledged write is lost.

Only the connections of the killed process break.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.faults.client import Client
from tests.faults.connections import connect_to, ports_of_clients
from tests.faults.figures import BROKEN
from tests.faults.load import Load
from tests.support.postgres import Server
from tests.support.processes import Service
from tests.support.waiting import wait_until

StartService = Callable[..., Service]
MakeLoad = Callable[..., Load]

SHUTDOWN_TIMEOUT = 30.0


def test_a_killed_worker_is_replaced_and_breaks_only_its_own_connections(
    server: Server, start_service: StartService, make_load: MakeLoad
) -> None:
    service = start_service()
    with make_load(service, 50, pause=0.02) as load:
        # The one that serves more clients: the kernel may give most connections to either.
        other, killed = sorted(service.children(), key=lambda worker: len(ports_of_clients(worker, service.port)))
        victim = psutil.Process(killed)
        victim.suspend()
        wait_until(lambda: victim.status() == psutil.STATUS_STOPPED, "the worker to stand still")
        victims = ports_of_clients(killed, service.port)
        victim.kill()
        died = time.monotonic()
        load.recover(died)
        wait_until(lambda: len(set(service.children()) - {killed}) == 2, "the replacement")
        [replacement] = set(service.children()) - {killed, other}
        connect_to(service, replacement, []).close()
        replaced = time.monotonic() - died
        load.run(0.5)
    assert set(service.children()) == {other, replacement}
    assert len(victims) >= 25
    assert any(each.status == BROKEN for each in load.outcomes)
    load.check(
        f"one of two workers killed with -9, replaced after {replaced:.2f} s",
        server,
        may_break=victims,
    )


@pytest.mark.parametrize("signals", [1, 2])
def test_on_sigterm_it_finishes_the_requests_in_flight(
    server: Server, start_service: StartService, make_load: MakeLoad, signals: int
) -> None:
    service = start_service(SHUTDOWN_TIMEOUT=str(SHUTDOWN_TIMEOUT))
    with make_load(service, 50, pause=0) as load:
        signalled = time.monotonic()
        if signals > 1:
            os.kill(service.process.pid, signal.SIGTERM)
            # Not time.sleep: the threads of the clients might keep this one waiting for longer than a second.
            while time.monotonic() < signalled + 0.003:
                pass
        assert service.stop(signal.SIGTERM) == 0
        took = time.monotonic() - signalled
        load.wait_until_connections_are_refused()
    in_flight = [each for each in load.outcomes if each.sent <= signalled < each.ended]
    assert in_flight
    assert [each for each in in_flight if not each.is_good and each.status != 404] == []
    load.check(
        f"{signals} SIGTERM, exit 0 after {took:.2f} s, {len(in_flight)} requests in flight",
        server,
        may_break=None,
        within=SHUTDOWN_TIMEOUT,
    )


def test_on_a_second_sigterm_it_ends_at_once(server: Server, start_service: StartService) -> None:
    service = start_service(STATEMENT_TIMEOUT="120", SHUTDOWN_TIMEOUT="120")
    client = Client(service.port)
    made = client.call("POST", "/api/tasks", {"title": "stopped/locked"}, user="stopped")
    task_id = made.json["data"]["id"]
    with server.locked(task_id), ThreadPoolExecutor(1) as pool:
        stuck = pool.submit(client.call, "PATCH", f"/api/tasks/{task_id}/complete", user="stopped")
        wait_until(server.count_waiting, "the write to wait for the lock")
        service.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in service.output, "the stop")
        # Within a second it would be the same signal.
        time.sleep(1.1)
        signalled = time.monotonic()
        assert service.stop(signal.SIGTERM) == 1
        assert time.monotonic() - signalled < 30
        assert stuck.result().status == BROKEN

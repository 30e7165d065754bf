"""A worker that stands still is killed and replaced; its clients wait as long, all others do not notice."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

from tests.faults.connections import connect_to, ports_of_clients
from tests.faults.figures import failures
from tests.faults.load import Load
from tests.support.postgres import Server
from tests.support.processes import Service
from tests.support.waiting import wait_until

REPLACED_WITHIN = 40.0
"""Seconds; ten, and the start of a worker."""


def test_a_stopped_worker_is_killed_and_replaced(
    server: Server, start_service: Callable[..., Service], make_load: Callable[..., Load]
) -> None:
    # A worker may be silent for six such times, if that is more than ten seconds.
    service = start_service(STATEMENT_TIMEOUT="1.5")
    stuck, other = service.children()
    with make_load(service, 20) as load:
        process = psutil.Process(stuck)
        process.suspend()
        stopped = time.monotonic()
        wait_until(lambda: process.status() == psutil.STATUS_STOPPED, "the worker to stand still")
        victims = ports_of_clients(stuck, service.port)
        wait_until(lambda: len(set(service.children()) - {stuck}) == 2, "the replacement", REPLACED_WITHIN)
        [replacement] = set(service.children()) - {stuck, other}
        connect_to(service, replacement, []).close()
        replaced = time.monotonic() - stopped
        load.wait_until_all_are_served(time.monotonic())
    assert victims
    assert replaced < REPLACED_WITHIN
    others = [each for each in load.outcomes if each.port not in victims]
    assert failures(others) == []
    assert [each for each in others if not each.is_good and each.status not in (404, 503)] == []
    assert max(each.wait for each in others) < max(each.wait for each in load.outcomes if each.port in victims) - 2
    load.check(
        f"one of two workers stopped, replaced after {replaced:.2f} s; the others waited "
        f"{max(each.wait for each in others):.2f} s at most",
        server,
        may_break=victims,
        within=REPLACED_WITHIN,
    )
    assert service.stop() == 0

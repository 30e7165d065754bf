"""The embedded PostgreSQL ends: the service's parent starts it again."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.figures import first_served_after
from tests.faults.load import Load
from tests.support.postgres import Server
from tests.support.processes import Service
from tests.support.waiting import WAIT_TIMEOUT, wait_until

StartService = Callable[..., Service]
MakeLoad = Callable[..., Load]

RUNS_AGAIN = "the embedded database runs again (started)"
SERVED_WITHIN = 30.0
"""Seconds; some three without other work on the machine."""


@pytest.fixture
def embedded() -> Iterator[Server]:
    """The server of a data directory, which services use as their embedded one."""
    data_dir = Path(tempfile.mkdtemp(prefix="embedded-"))
    server = Server(data_dir)
    yield server
    server.stop()

    def remove() -> bool:
        shutil.rmtree(data_dir, ignore_errors=True)
        return not data_dir.exists()

    # A service that was stopped during a start leaves a process that still takes its lock.
    wait_until(remove, "the removal of the data directory")


@pytest.fixture
def start_on(start_service: StartService, embedded: Server) -> StartService:
    """A function that starts a service on this embedded server."""
    return lambda **environ: start_service(DATABASE_URL="", DATA_DIR=str(embedded.data_dir), **environ)


def check_recovery(services: list[Service], loads: list[Load], times: int = 1) -> None:
    """Wait until the database that has just ended was started again, `times` in all, and all clients are served."""
    ended = time.monotonic()
    wait_until(lambda: sum(len(each.events(RUNS_AGAIN)) for each in services) == times, "the start of the database")
    started = time.monotonic()
    for load in loads:
        load.wait_until_all_are_served(started)
        load.recoveries.append(started - ended + first_served_after(started, load.outcomes))
    assert time.monotonic() - ended < SERVED_WITHIN


def test_its_postmaster_is_killed(embedded: Server, start_on: StartService, make_load: MakeLoad) -> None:
    service = start_on()
    workers = service.children()
    with make_load(service, 20) as load:
        for times in range(1, 4):
            embedded.postmaster().kill()
            check_recovery([service], [load], times)
            load.run(0.2)
    assert service.children() == workers
    load.check("embedded database's postmaster killed with -9, three times", embedded, recovered_within=SERVED_WITHIN)
    assert len(service.events(RUNS_AGAIN)) == 3


def test_with_one_worker_it_is_started_again_too(embedded: Server, start_on: StartService, make_load: MakeLoad) -> None:
    service = start_on(WORKERS="1")
    with make_load(service, 10) as load:
        embedded.kill()
        check_recovery([service], [load])
    load.check("embedded database killed with -9, one worker", embedded, recovered_within=SERVED_WITHIN)


def test_it_ends_by_itself(embedded: Server, start_on: StartService, make_load: MakeLoad) -> None:
    service = start_on()
    with make_load(service, 20) as load:
        # Its immediate shutdown: as after a panic of its startup process, when its disk is full.
        postmaster = embedded.postmaster()
        postmaster.send_signal(signal.SIGQUIT)
        wait_until(lambda: not postmaster.is_running(), "the postmaster's end")
        check_recovery([service], [load])
        assert embedded.postmaster_or_none() not in (None, postmaster)
    load.check("embedded database ended by itself", embedded, recovered_within=SERVED_WITHIN)


def test_exactly_one_of_two_services_starts_it_again(
    embedded: Server, start_on: StartService, make_load: MakeLoad
) -> None:
    services = [start_on(), start_on()]
    with make_load(services[0], 10) as first, make_load(services[1], 10) as second:
        embedded.kill()
        check_recovery(services, [first, second])
    for number, load in enumerate((first, second), 1):
        load.check(
            f"embedded database of two services killed with -9, service {number}",
            embedded,
            recovered_within=SERVED_WITHIN,
        )
    # Both noticed, unless one was so much faster that the other saw nothing.
    assert sum(len(each.events(RUNS_AGAIN)) for each in services) == 1
    embedded.stop()
    assert services[0].stop() == 0
    services[1].wait_until_ready()
    assert services[1].stop() == 0
    wait_until(lambda: embedded.postmaster_or_none() is None, "the end of the database")


def test_a_killed_service_leaves_it_running(embedded: Server, start_on: StartService) -> None:
    service = start_on()
    embedded.stop()
    service.kill()
    postmaster = embedded.postmaster()
    time.sleep(2)
    assert postmaster.is_running()
    embedded.start()


def test_one_that_cannot_be_started_three_times_ends_the_service(embedded: Server, start_on: StartService) -> None:
    service = start_on()
    control = embedded.data_dir / "postgres" / "global" / "pg_control"
    control.rename(control.with_name("away"))
    try:
        embedded.kill()
        assert service.process.wait(WAIT_TIMEOUT) == 1
        [reason] = [event for event in service.output.splitlines() if "3 attempts failed" in event]
        assert "pg_control" in reason
        assert "the embedded database cannot be started" in reason
    finally:
        control.with_name("away").rename(control)


def test_one_whose_data_is_gone_is_not_replaced_by_an_empty_one(embedded: Server, start_on: StartService) -> None:
    service = start_on()
    cluster = embedded.data_dir / "postgres"
    embedded.kill()
    cluster.rename(cluster.with_name("away"))
    try:
        assert service.process.wait(WAIT_TIMEOUT) == 1
        assert "is gone" in service.output
        assert not cluster.exists()
    finally:
        cluster.with_name("away").rename(cluster)


def test_a_stop_while_it_is_started_again_is_clean(embedded: Server, start_on: StartService) -> None:
    service = start_on()
    embedded.stop()
    os.kill(embedded.postmaster().pid, signal.SIGKILL)
    wait_until(lambda: service.events("the embedded database has ended: starting it again"), "the supervision")
    assert service.stop() == 0
    wait_until(lambda: embedded.postmaster_or_none() is None, "the end of the database")

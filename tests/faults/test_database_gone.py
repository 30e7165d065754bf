"""The service while its database crashes, restarts, terminates its connections or is unreachable.

Requests get a 503 meanwhile, and are served after its return by the same processes; no acknowledged write is lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.faults.client import Client, ask_what_needs_no_database
from tests.faults.figures import Outcome, failures, longest_wait, report
from tests.faults.load import LONGEST_WAIT, Load
from tests.faults.stored import read_stored
from tests.support.http import Response
from tests.support.postgres import Server
from tests.support.processes import Service
from tests.support.stalled_proxy import StalledProxy
from tests.support.waiting import wait_until

MakeLoad = Callable[..., Load]


def check_without_database(service: Service, seconds: float) -> None:
    """Check for `seconds` that /ready is 503 and that routes without the database work."""
    bystander = Client(service.port)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ask_what_needs_no_database(bystander)
        assert bystander.call("GET", "/ready").status == 503
        time.sleep(0.02)
    bystander.close()
    longest = longest_wait(bystander.outcomes)
    print(f"\n/ready, /health, 401, 404, 422, OPTIONS meanwhile: {len(bystander.outcomes)} within {longest:.2f} s")
    assert longest < LONGEST_WAIT


def test_the_database_is_killed_under_the_load_of_50_clients_and_started_again(
    server: Server, service: Service, make_load: MakeLoad
) -> None:
    with make_load(service, 50) as load:
        server.kill()
        killed = time.monotonic()
        load.wait_until_all_are_refused(killed)
        check_without_database(service, 1)
        load.recover(server.start())
        service.wait_until_ready()
    load.check("database killed with -9 and started again, 50 clients", server)


def test_the_database_is_restarted_ten_times_in_a_row(server: Server, service: Service, make_load: MakeLoad) -> None:
    began = time.monotonic()
    with make_load(service, 20) as load:
        for _ in range(10):
            load.recover(server.restart())
            load.run(0.2)
    assert min(load.recoveries) < 3
    load.check(f"database restarted ten times within {time.monotonic() - began:.0f} s", server)


def test_every_connection_is_terminated_repeatedly(server: Server, service: Service, make_load: MakeLoad) -> None:
    with make_load(service, 50) as load:
        for _ in range(20):
            assert server.terminate_connections() > 0
            load.recover(time.monotonic())
    assert min(load.recoveries) < 3
    load.check("every connection terminated, twenty times", server)


def test_terminating_idle_connections_fails_no_request(server: Server, service: Service) -> None:
    user = f"idle-{time.monotonic_ns()}"
    outcomes: list[Outcome] = []
    clients = [Client(service.port, outcomes) for _ in range(8)]

    def create(number: int) -> Response:
        # Without an idempotency key, so it may not be repeated if it may have run.
        # One user's requests would wait for each other.
        own = f"{user}/{number % 8}"
        return clients[number % 8].call("POST", "/api/tasks", {"title": f"{own}/{number}"}, user=own)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(create, range(8)))
        for number in range(8, 48, 8):
            assert server.terminate_connections() > 0
            wait_until(lambda: server.count_connections() == 0, "the connections to be cut")
            list(pool.map(create, range(number, number + 8)))
    stored = {task["title"] for tasks in read_stored(server, user)[0].values() for task in tasks}
    made = sum(each.is_good for each in outcomes)
    report("every connection terminated while idle, five times", outcomes, made - len(stored))
    assert failures(outcomes) == []
    assert {each.status for each in outcomes} <= {201, 503}
    assert 8 <= made <= len(stored) <= 48
    for client in clients:
        client.close()


def test_the_network_drops_all_packets_and_recovers(
    server: Server, start_service: Callable[..., Service], make_load: MakeLoad
) -> None:
    with StalledProxy(server.url) as proxy:
        service = start_service(DATABASE_URL=proxy.url)
        workers = service.children()
        with make_load(service, 20, pause=0.1) as load:
            proxy.stall()
            load.wait_until_all_are_refused(time.monotonic())
            check_without_database(service, 1)
            proxy.resume()
            load.recover(time.monotonic())
            service.wait_until_ready()
        load.check("network to the database black-holed and back", server)
        assert service.children() == workers

"""The keys behind JWKS_URL cannot be had when the service starts: 503 and not 401, until they can, in every worker."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.faults.client import Client
from tests.faults.connections import connect_to
from tests.support.dripping import DRIPS, dripping
from tests.support.jwks_server import JwksServer
from tests.support.ports import free_port
from tests.support.processes import Service
from tests.support.signing import claims, make_signer
from tests.support.waiting import wait_until

AWAY = 3.0
"""Seconds: longer than a request waits for the keys, and than the pause between two downloads."""

RECOVERY = 15.0
"""Seconds after the return of the keys within which each worker serves; three without other work on the machine."""

SIGNER = make_signer("EdDSA")

Reach = Callable[[Service, int], Client]


@pytest.fixture
def reach() -> Iterator[Reach]:
    """A function that makes a client with a connection to one worker; all are closed at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda service, worker: stack.enter_context(contextlib.closing(connect_to(service, worker, [])))


@contextlib.contextmanager
def refusing(port: int) -> Iterator[None]:
    """Nothing listens on the port."""
    yield


@contextlib.contextmanager
def failing(port: int) -> Iterator[None]:
    """Each response is a 500."""
    server = JwksServer(SIGNER, port=port)
    server.status = 500
    yield
    server.stop()


@contextlib.contextmanager
def silent(port: int) -> Iterator[None]:
    """Connections are accepted, and nothing is sent."""
    with dripping(*DRIPS["nothing at all"], port=port):
        yield


@contextlib.contextmanager
def black_hole(port: int) -> Iterator[None]:
    """Packets of new connections are dropped: the queue of connections to accept is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", port), backlog=0))
        for _ in range(2):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield


@pytest.mark.parametrize("unreachable", [refusing, failing, silent, black_hole])
def test_a_token_is_503_until_the_keys_can_be_had_and_then_served_by_every_worker(
    start_service: Callable[..., Service],
    reach: Reach,
    unreachable: Callable[[int], contextlib.AbstractContextManager[None]],
) -> None:
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    token = SIGNER.sign(claims(iss=origin, aud=origin))
    service = start_service(JWKS_URL=f"{origin}/jwks")
    clients = [reach(service, worker) for worker in service.children()]
    assert len(clients) == 2

    def status(client: Client) -> int:
        return client.call("GET", "/api/tasks", Authorization=f"Bearer {token}").status

    with unreachable(port):
        end = time.monotonic() + AWAY
        while time.monotonic() < end:
            assert [status(client) for client in clients] == [503, 503]
            assert [client.call("GET", "/health").status for client in clients] == [200, 200]
        assert clients[0].outcomes[-2].code == "KEYS_UNAVAILABLE"
        assert clients[0].call("GET", "/api/tasks", user="bystander").status == 200
        assert clients[0].call("GET", "/api/tasks", Authorization="Bearer x").status == 401
        strange = SIGNER.sign(claims(iss="https://elsewhere.example", aud=origin))
        assert clients[0].call("GET", "/api/tasks", Authorization=f"Bearer {strange}").status == 401
    keys = JwksServer(SIGNER, port=port)
    returned = time.monotonic()
    try:
        served: dict[int, float] = {}
        statuses: set[int] = set()

        def serve(number: int) -> None:
            while (seen := status(clients[number])) != 200:
                statuses.add(seen)
            served[number] = time.monotonic() - returned

        threads = [threading.Thread(target=serve, args=(number,), daemon=True) for number in range(2)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(served) == 2, "both workers to serve")
        assert statuses <= {503}
        assert max(served.values()) < RECOVERY, served
    finally:
        keys.stop()


def test_a_worker_that_starts_while_the_keys_are_away_has_those_of_the_others(
    start_service: Callable[..., Service], reach: Reach
) -> None:
    keys = JwksServer(SIGNER)
    token = SIGNER.sign(claims(iss=keys.origin, aud=keys.origin))
    service = start_service(JWKS_URL=keys.url)
    first, second = service.children()
    client = reach(service, first)
    assert client.call("GET", "/api/tasks", Authorization=f"Bearer {token}").status == 200
    keys.stop()
    assert keys.requests == 1
    killed = reach(service, second)
    assert killed.call("GET", "/api/tasks", Authorization=f"Bearer {token}").status == 200
    os.kill(second, signal.SIGKILL)
    replacement = wait_until(lambda: (set(service.children()) - {first, second}) or None, "the replacement").pop()
    late = reach(service, replacement)
    assert late.call("GET", "/api/tasks", Authorization=f"Bearer {token}").status == 200

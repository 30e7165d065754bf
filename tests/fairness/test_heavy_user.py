"""Beside a user who makes the service work as hard as it can, another user's read of a task stays quick."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.fairness.crowd import MIB, WORDS, memory_of_each, p95
from tests.support.http import Connection, Response
from tests.support.processes import Service
from tests.support.waiting import wait_until

SEARCHES = 16
LISTS = 8

SEARCH = "/api/tasks?limit=1&search=" + "+".join((*WORDS[:9], "zz"))
"""Nine words that each text ends in, and one that none has: all text is read once for each word."""

CALLS = 100
ROUNDS = 5
"""The reads must be quick in one of so many: another test may take the cores during one."""
QUICK = 0.050
RATIO = 5
MOST_MEMORY = 32 * MIB
TIMEOUT = 180.0
"""Seconds for a search on any machine."""

PAUSE = 0.2
"""Seconds between two requests of a client of the heavy user. Without it the clients alone would fill the cores."""


def limit(undisturbed: float) -> float:
    return max(QUICK, RATIO * undisturbed)


@contextlib.contextmanager
def searching(service: Service, token: str) -> Iterator[list[Response]]:
    """Within this block SEARCHES clients search; their responses."""
    responses: list[Response] = []
    stopped = threading.Event()

    def search() -> None:
        while not stopped.wait(PAUSE):
            responses.append(service.call("GET", SEARCH, token=token, timeout=TIMEOUT))

    with ThreadPoolExecutor(SEARCHES) as threads:
        clients = [threads.submit(search) for _ in range(SEARCHES)]
        try:
            yield responses
        finally:
            stopped.set()
        for client in clients:
            client.result(timeout=TIMEOUT)


def test_beside_sixteen_searches_another_users_read_stays_quick(
    service: Service, heavy: str, other: tuple[str, str]
) -> None:
    token, path = other

    def read() -> Response:
        return service.call("GET", path, token=token)

    alone = service.call("GET", SEARCH, token=heavy, timeout=TIMEOUT)
    assert (alone.status, alone.json["data"]) == (200, [])

    def is_quick() -> bool:
        undisturbed = p95(read, times=CALLS)
        before = memory_of_each(service)
        with searching(service, heavy) as responses:
            wait_until(lambda: responses, "the searches to begin")
            beside = p95(read, times=CALLS)
            grown = [now - known for now, known in zip(memory_of_each(service), before, strict=True)]
        assert max(grown) <= MOST_MEMORY
        assert {response.status for response in responses} == {200, 429}
        assert all(int(each.headers["retry-after"]) >= 1 for each in responses if each.status == 429)
        return beside <= limit(undisturbed)

    assert any(is_quick() for _ in range(ROUNDS))
    assert service.events("failed") == []


def test_beside_eight_unread_lists_another_users_read_stays_quick(
    service: Service, heavy: str, other: tuple[str, str]
) -> None:
    token, path = other

    def read() -> Response:
        return service.call("GET", path, token=token)

    def is_quick() -> bool:
        undisturbed = p95(read, times=CALLS)
        before = memory_of_each(service)
        with contextlib.ExitStack() as stack:
            unread = [stack.enter_context(contextlib.closing(Connection(service.port))) for _ in range(LISTS)]
            for connection in unread:
                request = f"GET /api/tasks HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {heavy}\r\n\r\n"
                connection.send(request.encode())
            beside = p95(read, times=CALLS)
            statuses = {connection.socket.recv(12, socket.MSG_WAITALL) for connection in unread}
            grown = [now - known for now, known in zip(memory_of_each(service), before, strict=True)]
        assert max(grown) <= MOST_MEMORY
        assert b"HTTP/1.1 200" in statuses
        assert statuses <= {b"HTTP/1.1 200", b"HTTP/1.1 429"}
        return beside <= limit(undisturbed)

    assert any(is_quick() for _ in range(ROUNDS))
    assert service.events("failed") == []


def test_the_memory_of_lists_comes_back(service: Service, heavy: str) -> None:
    before = memory_of_each(service)
    for _ in range(3):
        with contextlib.ExitStack() as stack:
            for _ in range(LISTS):
                connection = stack.enter_context(contextlib.closing(Connection(service.port)))
                request = f"GET /api/tasks HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {heavy}\r\n\r\n"
                connection.send(request.encode())
                connection.socket.recv(1)
        time.sleep(0.1)

    def grown() -> int:
        return max(now - known for now, known in zip(memory_of_each(service), before, strict=True))

    wait_until(lambda: grown() <= MOST_MEMORY, "the memory to come back")

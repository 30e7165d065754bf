"""`python -m bench.fairness`: the read of one task, beside a user who makes the service work as hard as it can.

Prints a Markdown table. The ratios to the undisturbed read, of the same run, say more than the times.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import multiprocessing
import secrets
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.queues import Queue
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

import orjson
import psycopg2

from bench import databases, machine, services
from bench.dataset import token_for
from bench.running import HOST, Running, StartFailed, started

TASKS = 10_000
WORKERS = 2
SEARCHES = 16
LISTS = 8
BODIES = 200
PAUSE = 0.2
"""Seconds between two requests of a searching client, which is more often than Retry-After asks for."""

WORDS = ("zg", "zh", "zi", "zj", "zk", "zl", "zm", "zn", "zo")
"""They end each description; no text has the tenth word of the search."""
SEARCH = f"/api/tasks?limit=1&search={'+'.join(WORDS)}+zz"

_FILL = """
INSERT INTO tasks (folded_version, user_id, title, description)
SELECT 1, 'heavy', 'Task ' || n, (SELECT string_agg(md5(n::text || part), ' ') FROM generate_series(1, 302) part) || %s
FROM generate_series(1, %s) n
"""


class Row(NamedTuple):
    """What was measured beside one kind of load; times in seconds, memory in bytes."""

    durations: list[float]
    failed: int
    grown: int
    responses: Counter[int]


class Server(NamedTuple):
    """The running service, and the tokens of both users."""

    running: Running
    heavy: str
    other: str


def main(arguments: Sequence[str]) -> int:
    """Measure and print the table; the exit status."""
    parser = argparse.ArgumentParser("python -m bench.fairness", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="length of one measurement (10)")
    parser.add_argument("--tasks", type=int, default=TASKS, help=f"the heavy user's tasks of 10 kB ({TASKS})")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            print("\n".join(_run(Path(directory), options)))
    except StartFailed as ex:
        print(f"bench: {ex}", file=sys.stderr)
        return 1
    return 0


def _run(directory: Path, options: argparse.Namespace) -> Iterator[str]:
    secret = secrets.token_urlsafe(48)
    with databases.postgresql(directory / "data") as server_url:
        url = databases.create(server_url, "bench_fairness", ours=True)
        _fill(url, options.tasks)
        with started(services.ours(), url, secret, WORKERS, directory) as running:
            server = Server(running, token_for("heavy", secret), token_for("other", secret))
            yield from (f"- {line}" for line in machine.describe(server_url))
            yield f"- {WORKERS} workers; {options.tasks:,} tasks of 10 kB of a heavy user; {options.seconds:g} s a row"
            yield ""
            yield from _table(_measure_all(server, options.seconds))


def _fill(url: str, tasks: int) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO users (id) VALUES ('heavy')")
        cursor.execute(_FILL, (f" {' '.join(WORDS)}", tasks))
        cursor.execute("ANALYZE tasks")
    connection.close()


def _measure_all(server: Server, seconds: float) -> dict[str, Row]:
    loads: dict[str, Callable[[Server], contextlib.AbstractContextManager[Counter[int]]]] = {
        "nothing": lambda _: contextlib.nullcontext(Counter()),
        f"{SEARCHES} searches for ten words": _searching,
        f"{LISTS} unread lists": _unread_lists,
        f"{BODIES} unfinished bodies": _unfinished_bodies,
    }
    port = server.running.port
    path = _call(port, "POST", "/api/tasks", server.other, {"title": "Buy milk"})[1]["location"]
    for _ in range(500):
        _call(port, "GET", path, server.other)
    rows = {}
    for name, load in loads.items():
        before = server.running.memory().pss
        with load(server) as responses:
            time.sleep(0.5)
            durations, failed = _read_repeatedly(port, path, server.other, seconds)
            grown = server.running.memory().pss - before
        rows[name] = Row(durations, failed, grown, responses)
    return rows


def _table(rows: dict[str, Row]) -> Iterator[str]:
    yield "| beside | p50, ms | p95, ms | p95, ratio | failed | more memory, MiB | the heavy user's responses |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | --- |"
    undisturbed = 0.0
    for name, row in rows.items():
        p95 = quantiles(row.durations, n=20)[-1]
        undisturbed = undisturbed or p95
        statuses = ", ".join(f"{number} times {status}" for status, number in sorted(row.responses.items()))
        figures = f"{median(row.durations) * 1e3:.1f} | {p95 * 1e3:.1f} | {p95 / undisturbed:.1f} | {row.failed}"
        yield f"| {name} | {figures} | {max(0, row.grown) / 2**20:.0f} | {statuses} |"


def _call(port: int, method: str, path: str, token: str, body: object = None) -> tuple[int, dict[str, str]]:
    """Send a request on a new connection, and read the whole response; its status and header fields."""
    with contextlib.closing(http.client.HTTPConnection(HOST, port, timeout=60)) as connection:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request(method, path, orjson.dumps(body) if body else None, headers)
        response = connection.getresponse()
        response.read()
        return response.status, {name.lower(): value for name, value in response.getheaders()}


def _read_repeatedly(port: int, path: str, token: str, seconds: float) -> tuple[list[float], int]:
    durations, failed = [], 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        failed += _call(port, "GET", path, token)[0] != 200
        durations.append(time.monotonic() - began)
    return durations, failed


@contextlib.contextmanager
def _searching(server: Server) -> Iterator[Counter[int]]:
    """Search in another process, whose threads do not slow the reader down. The statuses are there at the end."""
    context = multiprocessing.get_context("spawn")
    stop, statuses = context.Event(), context.Queue()
    process = context.Process(target=_search, args=(server.running.port, server.heavy, stop, statuses))
    process.start()
    responses: Counter[int] = Counter()
    try:
        yield responses
    finally:
        stop.set()
        responses.update(statuses.get(timeout=60))
        process.join()


def _search(port: int, token: str, stop: threading.Event, statuses: Queue[dict[int, int]]) -> None:
    def client(_: int) -> list[int]:
        seen = []
        while not stop.wait(PAUSE):
            seen.append(_call(port, "GET", SEARCH, token)[0])
        return seen

    with ThreadPoolExecutor(SEARCHES) as threads:
        statuses.put(Counter(status for seen in threads.map(client, range(SEARCHES)) for status in seen))


@contextlib.contextmanager
def _unread_lists(server: Server) -> Iterator[Counter[int]]:
    head = f"GET /api/tasks HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {server.heavy}\r\n\r\n"
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(_sent(server.running.port, head.encode())) for _ in range(LISTS)]
        yield Counter(int(connection.recv(12)[-3:]) for connection in connections)


@contextlib.contextmanager
def _unfinished_bodies(server: Server) -> Iterator[Counter[int]]:
    """Bodies that lack their last bytes; each second one has no token."""
    head = "POST /api/tasks HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: 1048576\r\n"
    heads = [f"{head}\r\n", f"{head}Authorization: Bearer {server.heavy}\r\n\r\n"]
    with contextlib.ExitStack() as stack:
        for number in range(BODIES):
            request = heads[number % 2].encode() + b"x" * 1_048_000
            stack.enter_context(_sent(server.running.port, request))
        yield Counter()


@contextlib.contextmanager
def _sent(port: int, request: bytes) -> Iterator[socket.socket]:
    with socket.create_connection((HOST, port), timeout=60) as connection:
        # The service may respond, and close, before all is sent.
        with contextlib.suppress(ConnectionError):
            connection.sendall(request)
        yield connection


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

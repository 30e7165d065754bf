"""`python -m bench.request_costs`: the processor time of one get-one, each part measured separately.

The lowest of many short samples counts, because disturbances only add time. The sum is lower than on a loaded machine,
where caches are cold after every change of process.
"""

from __future__ import annotations

import io
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from api.app import create_app
from api.logs import configure_logging
from api.postgres.database import Database
from api.resolved_settings import resolve_settings
from api.settings import load_settings
from api.task_rows import EXTRA, as_tasks
from api.tokens import Tokens
from api.users_table import read_users_table
from bench import databases, dataset, filling, limits, load, services
from bench.dataset import Group
from bench.running import started

GROUPS = (Group("twenty", 1000, 20),)
CALLERS = 100
CALLS = 20
SAMPLES = 400
QUIET_CONNECTIONS = 2


def main() -> int:
    """Measure and print the parts; the exit status."""
    secret = secrets.token_urlsafe(48)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        with databases.postgresql(directory / "data") as server_url:
            url = databases.create(server_url, "bench_costs", ours=True)
            with databases.connection(url) as connected:
                filling.fill(connected, "due_at", GROUPS)
            inside = _inside(url, secret)
            whole = _whole(url, secret, directory)
    application, stubbed = inside["application"], inside["stubbed"]
    rows = [
        ("HTTP in and out: event loop, parsing, writing", whole - application),
        ("driver, pool, deadline (waiting for PostgreSQL not counted)", application - stubbed),
        ("the application itself", stubbed),
        ("  of it: the token, verified before", inside["token"]),
        ("  of it: turning the row into a task", inside["row"]),
        ("  of it: JSON", inside["json"]),
        ("one get-one in a worker", whole),
    ]
    for title, microseconds in rows:
        print(f"{title:62} {microseconds:7.1f} µs")
    return 0


def _whole(url: str, secret: str, directory: Path) -> float:
    """Processor time of a worker for one request, in microseconds, with too few connections for a queue."""
    users_file = directory / "users"
    dataset.write_users(users_file, secret, GROUPS)
    lowest = float("inf")
    with started(services.ours(), url, secret, 1, directory) as running:
        for _ in range(5):
            before = running.processor_seconds()
            measured = load.run(running.origin, "get-one", users_file, connections=QUIET_CONNECTIONS, seconds=2)
            lowest = min(lowest, (running.processor_seconds() - before) / max(1, measured.requests))
    return lowest * 1e6


def _inside(url: str, secret: str) -> dict[str, float]:
    """The parts that can be called without a socket, in microseconds."""
    settings = load_settings({"DATABASE_URL": url, "BETTER_AUTH_SECRET": secret, **services.NO_LIMITS})
    configure_logging("warning", "json")
    database = Database(url, pool_size=2, statement_timeout=10)
    users_table = read_users_table(database, settings.users_table)
    application = create_app(resolve_settings(settings, users_table), database, users_table)
    users = [GROUPS[0].user_id(user) for user in range(CALLERS)]
    texts = [dataset.token_for(user, secret) for user in users]

    def call(number: int) -> bytes:
        user = number % CALLERS
        return b"".join(application(_environ(user + 1, texts[user]), _start_response))

    assert b'"data"' in call(0)
    statement = limits.get_one(users[0])
    rows = database.run(statement.sql, statement.parameters)
    shown = [row[:EXTRA] for row in rows]
    task = as_tasks(users[0], shown)[0]
    tokens = Tokens((secret,), issuer=None, audience=None)
    found = {"application": _lowest(call)}
    with _constant_rows(database, rows):
        found["stubbed"] = _lowest(call)
    found["token"] = _lowest(lambda number: tokens.verify(texts[number % CALLERS]))
    found["row"] = _lowest(lambda _: as_tasks(users[0], shown))
    found["json"] = _lowest(lambda _: orjson.dumps({"data": task}))
    database.close()
    return found


@contextmanager
def _constant_rows(database: Database, rows: list[tuple[Any, ...]]) -> Iterator[None]:
    """Every statement returns `rows` and PostgreSQL is not called, until the end of the block."""
    database.run = lambda *_, **__: rows  # type: ignore[method-assign]
    try:
        yield
    finally:
        del database.run


def _start_response(*_: object) -> Callable[[bytes], None]:
    return lambda _: None


def _environ(task_id: int, token: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": f"/api/tasks/{task_id}",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "REMOTE_ADDR": "127.0.0.1",
        "SCRIPT_NAME": "",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
    }


def _lowest(call: Callable[[int], object]) -> float:
    """Microseconds of one call: the fifth percentile of the samples."""
    samples = []
    for sample in range(SAMPLES):
        begin = time.thread_time_ns()
        for number in range(CALLS):
            call(sample * CALLS + number)
        samples.append((time.thread_time_ns() - begin) / CALLS / 1e3)
    return sorted(samples)[SAMPLES // 20]


if __name__ == "__main__":
    sys.exit(main())

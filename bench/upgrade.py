"""`python -m bench.upgrade`: an install of the version before is upgraded to this one while people use it.

The version before serves a steady load. This version starts on the same database, migrates, and does the rest as a
background job; both serve until that is done. Then the version before is started again on what has become of the
database, as after a rollback.
"""

from __future__ import annotations

import argparse
import re
import secrets
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench import databases, dataset, many_tasks, services
from bench.running import Running, StartFailed, started
from bench.services import Service
from bench.steady_load import Client, Request, Sent, SteadyLoad, User
from bench.versions import BEFORE, unpack_before

WORKERS = 2
CALLERS = 500
TASKS_OF_CALLERS = """
SELECT user_id, array_agg(id) FROM tasks
WHERE user_id IN (SELECT id FROM users ORDER BY id LIMIT %s) GROUP BY user_id
"""
JOB_DEADLINE = 3600.0
NOT_ASCII_EVERY = 5

AFTER_ROLLBACK: Sequence[Request] = (
    *(("GET", f"/api/tasks?limit=20&sort={sort}", None, {}) for sort in ("created_at", "updated_at", "title")),
    ("GET", "/api/tasks?limit=20&sort=due_date&order=asc", None, {}),
    ("GET", "/api/tasks?limit=20&sort=due_date&order=desc", None, {}),
    ("GET", "/api/tasks?search=cream&limit=20", None, {}),
    ("POST", "/api/tasks", {"title": "Crème"}, {}),
    ("POST", "/api/tasks", {"title": "Crème"}, {"Idempotency-Key": "after-the-rollback"}),
    ("PATCH", "/api/tasks/{id}/complete", None, {}),
    ("PATCH", "/api/tasks/{id}", {"title": "Cream", "due_date": "2026-03-01"}, {}),
    ("DELETE", "/api/tasks/{id}", None, {}),
)

IS_LOCKED = """
SELECT EXISTS (SELECT FROM pg_locks WHERE relation = %s AND mode = 'AccessExclusiveLock' AND granted)
"""


@dataclass
class Upgraded:
    """What was measured. Times are time.monotonic's unless they are said to be seconds."""

    sent: list[Sent] = field(default_factory=list)
    before: float = 0.0
    begin: float = 0.0
    ready: float = 0.0
    done: float = 0.0
    end: float = 0.0
    locked_seconds: float = 0.0
    log: list[str] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    rollback: list[Sent] = field(default_factory=list)


class LockWatch:
    """How long the table of tasks is locked so that nobody can read it, to a millisecond or two."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.seconds = 0.0

    def __enter__(self) -> LockWatch:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop(self) -> float:
        """The seconds so far, once no more are counted."""
        self._stopped.set()
        self._thread.join()
        return self.seconds

    def _run(self) -> None:
        with databases.connection(self._url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 'tasks'::regclass::oid")
            [table] = cursor.fetchone()
            seen = time.monotonic()
            while not self._stopped.wait(0.001):
                cursor.execute(IS_LOCKED, (table,))
                now = time.monotonic()
                if cursor.fetchone()[0]:
                    self.seconds += now - seen
                seen = now


def main(arguments: Sequence[str]) -> int:
    """Upgrade and print what it took; the exit status."""
    parser = argparse.ArgumentParser("python -m bench.upgrade", description=__doc__)
    parser.add_argument("--tasks", type=int, default=1_000_000, help="tasks of the install (1,000,000)")
    parser.add_argument("--rate", type=float, default=200, help="requests a second (200)")
    parser.add_argument("--beside", type=float, default=20, help="seconds of load before it and after the job (20)")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            upgraded = _run(Path(directory), options)
    except StartFailed as ex:
        print(f"bench: {ex}", file=sys.stderr)
        return 1
    print("\n".join(report(upgraded, options.tasks, options.rate)))
    return 0


def _run(directory: Path, options: argparse.Namespace) -> Upgraded:
    folder = unpack_before(directory)
    secret = secrets.token_urlsafe(48)
    before = Service("before", BEFORE, (sys.executable, "serve.py"), folder, services.ours().environment)
    after = services.ours("after", "this version", LOG_LEVEL="info")
    with databases.postgresql(directory / "data") as server_url:
        url = databases.create_empty(server_url, "installed")
        start = partial(started, database_url=url, secret=secret, workers=WORKERS, log_dir=directory)
        with start(before) as old:
            _say(f"writing {options.tasks:,} tasks")
            users = _fill(url, secret, options.tasks)
            load = SteadyLoad(users, options.rate, old.port)
            try:
                upgraded = _upgrade(url, load, partial(start, after), options.beside)
            finally:
                load.stop()
        _say("rollback")
        with start(before) as old:
            upgraded.rollback = list(_call_after_rollback(old, users[0]))
    return upgraded


def _fill(url: str, secret: str, tasks: int) -> list[User]:
    with databases.connection(url) as connection, connection.cursor() as cursor:
        many_tasks.fill(connection, tasks=tasks, not_ascii_every=NOT_ASCII_EVERY)
        cursor.execute(TASKS_OF_CALLERS, (CALLERS,))
        users = [User(dataset.token_for(user_id, secret), task_ids) for user_id, task_ids in cursor.fetchall()]
        cursor.execute("CHECKPOINT")
    return users


def _upgrade(
    url: str, load: SteadyLoad, start: Callable[[], AbstractContextManager[Running]], beside: float
) -> Upgraded:
    """Start this version under the load, and wait for its job. The load ends before this version does."""
    upgraded = Upgraded(sizes=[_sizes(url)], before=time.monotonic())
    load.start()
    time.sleep(beside)
    _say("migrating")
    upgraded.begin = time.monotonic()
    with LockWatch(url) as lock, start() as new:
        upgraded.ready, upgraded.locked_seconds = time.monotonic(), lock.stop()
        load.ports = (*load.ports, new.port)
        _say("the job runs")
        upgraded.log = _await_job(new)
        upgraded.done = time.monotonic()
        time.sleep(beside)
        upgraded.end = time.monotonic()
        load.stop()
    upgraded.sent = load.sent
    upgraded.sizes.append(_sizes(url))
    return upgraded


def _await_job(new: Running) -> list[str]:
    """The lines that the job has logged, once it is done."""
    deadline = time.monotonic() + JOB_DEADLINE
    while time.monotonic() < deadline:
        lines = [line for line in new.log.read_text().splitlines() if "upgrade" in line]
        if any("none left" in line for line in lines):
            return lines
        time.sleep(0.5)
    raise StartFailed(f"the job was not done after {JOB_DEADLINE:.0f} s: {lines[-5:]}")


def _call_after_rollback(old: Running, user: User) -> Iterator[Sent]:
    client = Client()
    for method, path, body, fields in AFTER_ROLLBACK:
        yield client.send(old.port, user.token, (method, path.format(id=user.task_ids[0]), body, fields))


def _sizes(url: str) -> tuple[int, int]:
    with databases.connection(url) as connection:
        return many_tasks.sizes(connection)


def report(upgraded: Upgraded, tasks: int, rate: float) -> Iterator[str]:
    """The lines of a report in Markdown."""
    yield f"{tasks:,} tasks, one of {NOT_ASCII_EVERY} not ASCII, {rate:,.0f} requests/s; before: {BEFORE}."
    yield ""
    yield "| phase | seconds | requests | not 2xx | p50 ms | p99 ms | longest ms |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    times = (upgraded.before, upgraded.begin, upgraded.ready, upgraded.done, upgraded.end)
    names = ("before", "start and migration", "background job", "after the job")
    for name, begin, end in zip(names, times, times[1:], strict=False):
        yield _phase(name, end - begin, [one for one in upgraded.sent if begin <= one.at < end])
    yield ""
    yield f"The migration kept the table of tasks locked for {upgraded.locked_seconds * 1000:,.0f} ms."
    yield ""
    yield "| MB | before | after | ratio |"
    yield "| --- | ---: | ---: | ---: |"
    for name, old, new in zip(("table", "indexes"), *upgraded.sizes, strict=True):
        yield f"| {name} | {old / 1e6:,.0f} | {new / 1e6:,.0f} | {new / old:.2f} |"
    yield ""
    progress = re.compile(r"about \d+ left")
    yield from (f"    {re.sub('^.*?upgrade', 'upgrade', line)}" for line in upgraded.log if not progress.search(line))
    yield ""
    failed = [one for one in upgraded.rollback if not 200 <= one.status < 300]
    yield f"After the rollback {len(upgraded.rollback)} calls, {len(failed)} not 2xx: {failed or 'none'}."


def _phase(name: str, seconds: float, sent: Sequence[Sent]) -> str:
    waits = sorted(one.seconds * 1000 for one in sent)
    failed = sum(not 200 <= one.status < 300 for one in sent)
    figures = f"{statistics.median(waits):.1f} | {waits[len(waits) * 99 // 100]:.0f} | {waits[-1]:.0f}"
    return f"| {name} | {seconds:.1f} | {len(sent):,} | {failed} | {figures} |"


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What the tests of this folder share: a user with 100 MB of tasks, parallel calls, the memory of the workers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import quantiles

import psutil
import psycopg2

from tests.support.http import Response
from tests.support.processes import Service
from tests.support.waiting import wait_until

MIB = 1024 * 1024

WORDS = ("zg", "zh", "zi", "zj", "zk", "zl", "zm", "zn", "zo", "zp")
"""They end each description, and occur nowhere before its end: a search reads all of each text once for each."""

_FILL = """
INSERT INTO tasks (folded_version, user_id, title, description)
SELECT 1, %s, 'Task ' || task, task || text || %s
FROM (SELECT string_agg(md5(part::text), ' ') AS text FROM generate_series(1, 302) part) AS same,
     generate_series(1, %s) task
"""


def fill(url: str, user_id: str, tasks: int) -> None:
    """Give the user so many tasks of 10 KB."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO users (id) VALUES (%s)", (user_id,))
        cursor.execute(_FILL, (user_id, " " + " ".join(WORDS), tasks))
        cursor.execute("ANALYZE tasks")
    connection.close()


def in_parallel(calls: Sequence[Callable[[], Response]]) -> list[Response]:
    """Make all calls at the same time."""
    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(lambda call: call(), calls))


def p95(call: Callable[[], Response], *, times: int) -> float:
    """The 95th percentile of the duration of a call, in seconds. Each must be 200."""
    durations = []
    for _ in range(times):
        began = time.monotonic()
        response = call()
        durations.append(time.monotonic() - began)
        assert response.status == 200, response
    return quantiles(durations, n=20)[-1]


def workers(service: Service) -> list[psutil.Process]:
    """The processes that serve: the process itself, if it has no workers."""
    return [psutil.Process(pid) for pid in service.children() or [service.process.pid]]


def memory_of_each(service: Service) -> list[int]:
    """Bytes of private memory of each worker."""
    return [worker.memory_full_info().uss for worker in workers(service)]


def memory(service: Service) -> int:
    """Bytes of private memory of all workers together."""
    return sum(memory_of_each(service))


def wait_until_idle(service: Service) -> None:
    """Wait until the workers take no processor time: then they have read all that was sent."""

    def seconds() -> float:
        return sum(sum(worker.cpu_times()[:2]) for worker in workers(service))

    def is_idle() -> bool:
        before = seconds()
        time.sleep(0.3)
        return seconds() - before < 0.03

    wait_until(is_idle, "the workers to have nothing to do")

"""Two instances of the real service behind each proxy of deploy/: either may stop at any time."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from tests.proxies.load import CLIENTS, USER_PREFIX, Load, load
from tests.proxies.proxy import COMMANDS, Proxy
from tests.support.processes import UNLIMITED, Service, starting
from tests.support.waiting import wait_until

SETTLED = 3.0
"""Seconds within which a proxy must detect a stopped instance."""


@pytest.fixture(scope="module")
def database_url(create_database: Callable[[], str]) -> str:
    return create_database()


@pytest.fixture
def instances(database_url: str, tmp_path: Path, workers: str) -> Iterator[list[Service]]:
    basis = {"DATABASE_URL": database_url, "MAX_TASKS": "0", "TRUSTED_PROXY": "127.0.0.1", "WORKERS": workers}
    # A 503 because the machine is busy would count as a failure.
    with starting(tmp_path, STATEMENT_TIMEOUT="30", **basis, **UNLIMITED) as start:
        yield [start(), start()]


@pytest.fixture(params=COMMANDS)
def proxy(request: pytest.FixtureRequest, tmp_path: Path, instances: list[Service]) -> Iterator[Proxy]:
    proxy = Proxy(request.param, tmp_path, [each.port for each in instances])
    try:
        yield proxy
    finally:
        proxy.stop()


def stored(database_url: str) -> Counter[str]:
    with contextlib.closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM tasks WHERE starts_with(user_id, %s) RETURNING title", (USER_PREFIX,))
        titles = Counter(title for (title,) in cursor.fetchall())
        connection.commit()
        return titles


def check_stored(seen: Load, titles: Counter[str]) -> None:
    """Check that every acknowledged task is stored and none is stored twice."""
    assert set(seen.created) <= set(titles)
    assert set(titles.values()) <= {1}


def wait_for_traffic(instance: Service) -> None:
    def requests() -> int:
        return instance.output.count('"user_id":')

    before = requests()
    instance.wait_until(lambda: requests() > before + 20, "traffic for the instance")


@pytest.mark.parametrize("workers", ["1"])
def test_an_instance_killed_under_load_loses_only_its_requests_in_progress(
    proxy: Proxy, instances: list[Service], database_url: str
) -> None:
    proxy.wait_until_ready()
    with load(proxy.port) as seen:
        for each in instances:
            wait_for_traffic(each)
        instances[0].kill()
        killed = time.monotonic()
        wait_until(lambda: time.monotonic() > killed + SETTLED, "the proxy to settle")
        seen.run_for(200)
        instances[0].start()
        wait_for_traffic(instances[0])
    print(seen.describe("killed and back"))
    check_stored(seen, stored(database_url))
    assert [failure for failure in seen.failures if failure.method == "GET"] == []
    assert [failure for failure in seen.failures if failure.began > killed] == []
    assert len(seen.failures) <= CLIENTS


@pytest.mark.parametrize("workers", ["2"])
def test_a_rolling_restart_under_load_fails_no_request(
    proxy: Proxy, instances: list[Service], database_url: str
) -> None:
    proxy.wait_until_ready()
    with load(proxy.port) as seen:
        for each in instances:
            wait_for_traffic(each)
            assert each.stop() == 0
            seen.run_for(100)
            each.start()
            wait_for_traffic(each)
    print(seen.describe("rolling restart"))
    check_stored(seen, stored(database_url))
    assert seen.failures == []

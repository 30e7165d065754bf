"""The real service behind PgBouncer in transaction mode, which has fewer server connections than clients.

The tests cover the service's calls, the state it leaves in shared sessions, and its recovery after restarts.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.faults.figures import failures
from tests.faults.load import ENVIRON, STATEMENT_TIMEOUT, Load
from tests.poolers.pgbouncer import PgBouncer
from tests.support.postgres import Server
from tests.support.processes import Service, read_events, running
from tests.support.stalled_proxy import StalledProxy

CLIENTS = 30
SESSIONS = 3
"""PgBouncer's connections to the server; each of the service's two workers has four to PgBouncer."""

GONE = 2.0
"""Seconds that an outage lasts after the first 503: longer than PgBouncer's pauses and timeouts, of a second each."""

REFUSED_WITHIN = STATEMENT_TIMEOUT + 2
"""Seconds that half of all 503s may take where PgBouncer is there and its server is not.

The service's connection is in order, so what ends a request is its statement's deadline or PgBouncer's.
"""

LONGEST_WAIT = 10.0
"""Longest duration of a request in seconds, by the service's log: this process's threads delay its clients further.

A statement's deadline, and time for a machine on which all wait for a core.
"""

# Parameters that PgBouncer itself sets for the next client.
TRACKED = {"application_name", "client_encoding", "DateStyle", "TimeZone", "standard_conforming_strings"}


@contextlib.contextmanager
def pooling(directory: Path, url: str) -> Iterator[PgBouncer]:
    pooler = PgBouncer(directory, url, default_pool_size=SESSIONS)
    try:
        yield pooler
    finally:
        pooler.stop()


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    # Short enough for a socket, and accessible to PgBouncer's account.
    with tempfile.TemporaryDirectory(prefix="poolers-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="module")
def server(directory: Path) -> Iterator[Server]:
    server = Server(directory / "data")
    yield server
    server.stop()
    shutil.rmtree(directory / "data")


@pytest.fixture(scope="module")
def pooler(directory: Path, server: Server) -> Iterator[PgBouncer]:
    with pooling(directory, server.url) as pooler:
        yield pooler


@pytest.fixture(scope="module")
def shared_service(pooler: PgBouncer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("service") / "log", DATABASE_URL=pooler.url, **ENVIRON) as service:
        yield service


@pytest.fixture
def service(shared_service: Service) -> Iterator[Service]:
    """The service; afterwards its log must hold no unforeseen error."""
    shared_service.wait_until_ready()
    seen = shared_service.output.rfind("\n") + 1
    yield shared_service
    check_log(shared_service.output[seen:])


def check_log(log: str) -> None:
    """Check that the log has no unforeseen error, no error about prepared statements and no slow request."""
    assert "Traceback" not in log, log[-3000:]
    assert "prepared statement" not in log
    assert max(event.get("ms", 0) for event in read_events(log)) < LONGEST_WAIT * 1000


@pytest.fixture
def load(service: Service) -> Load:
    """Ten times as many clients as sessions, with new users."""
    return Load(service, uuid.uuid4().hex[:8], CLIENTS)


def sessions(pooler: PgBouncer, sql: str) -> dict[int, list[Any]]:
    """The rows of a query in every session of PgBouncer, by the session's process id."""
    with contextlib.ExitStack() as stack:
        found = {}
        for _ in range(SESSIONS):
            # Each stays in its transaction and so occupies its session.
            cursor = stack.enter_context(contextlib.closing(psycopg2.connect(pooler.url))).cursor()
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone() or (0,)
            cursor.execute(sql)
            found[pid] = cursor.fetchall()
    assert len(found) == SESSIONS
    return found


def test_everything_works_for_more_clients_than_sessions(load: Load, server: Server, pooler: PgBouncer) -> None:
    with load:
        load.run(2)
    load.check("PgBouncer, 30 clients on 3 sessions", server)
    assert failures(load.outcomes) == []


def test_no_state_is_left_in_the_sessions(load: Load, pooler: PgBouncer) -> None:
    with load:
        pass
    prepared = sessions(pooler, "SELECT statement FROM pg_prepared_statements")
    assert set(map(len, prepared.values())) == {0}, prepared
    settings = sessions(pooler, "SELECT name, setting FROM pg_settings WHERE source IN ('session', 'client')")
    assert {name for rows in settings.values() for name, _ in rows} <= TRACKED
    held = sessions(
        pooler,
        "SELECT locktype FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'"
        " UNION ALL SELECT channel FROM pg_listening_channels() AS channel"
        " UNION ALL SELECT name FROM pg_cursors WHERE is_holdable",
    )
    assert set(map(len, held.values())) == {0}, held


@pytest.mark.parametrize("end", [PgBouncer.stop, PgBouncer.kill], ids=["stopped", "killed"])
def test_pgbouncer_is_stopped_and_started_again(
    load: Load, server: Server, pooler: PgBouncer, end: Callable[[PgBouncer], object]
) -> None:
    with load:
        ended = time.monotonic()
        end(pooler)
        load.wait_until_all_are_refused(ended)
        load.run(GONE)
        pooler.start()
        load.recover(time.monotonic())
    load.check(f"PgBouncer {end.__name__}ed and started again", server)


def test_pgbouncer_is_restarted_at_once(load: Load, server: Server, pooler: PgBouncer) -> None:
    with load:
        for _ in range(3):
            pooler.stop()
            pooler.start()
            load.recover(time.monotonic())
    load.check("PgBouncer restarted three times", server)


@pytest.mark.parametrize("end", [Server.stop, Server.kill], ids=["stopped", "killed"])
def test_the_server_behind_pgbouncer_is_stopped_and_started_again(
    load: Load, server: Server, end: Callable[[Server], None]
) -> None:
    with load:
        ended = time.monotonic()
        end(server)
        load.wait_until_all_are_refused(ended)
        load.run(GONE)
        load.recover(server.start())
    load.check(f"the server behind PgBouncer {end.__name__}ed and started again", server, refused_within=REFUSED_WITHIN)


def test_the_server_behind_pgbouncer_is_unreachable_for_a_while(
    directory: Path, server: Server, tmp_path: Path
) -> None:
    beside = directory / "beside"
    beside.mkdir(mode=0o711)
    with (
        StalledProxy(server.url) as network,
        pooling(beside, network.url) as pooler,
        running(tmp_path / "log", DATABASE_URL=pooler.url, **ENVIRON) as service,
        # Few clients: they share this process and its interpreter lock with the proxy.
        Load(service, uuid.uuid4().hex[:8], 2 * SESSIONS) as load,
    ):
        stalled = time.monotonic()
        network.stall()
        load.wait_until_all_are_refused(stalled)
        load.run(GONE)
        network.resume()
        load.recover(time.monotonic())
        load.stop()
        load.check("a black hole between PgBouncer and the server", server, refused_within=REFUSED_WITHIN)
        check_log(service.output)

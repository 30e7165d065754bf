"""Faults of the database under the load of many clients of `Database`, without the service.

No call hangs, each acknowledged write is stored once, and calls succeed again when the database is back.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median

import psycopg2
import psycopg2.extensions
import pytest

from api.postgres import database as database_module
from api.postgres.database import Database
from api.postgres.errors import DatabaseUnavailable
from tests.faults.database_load import LEDGER, Load
from tests.faults.load import LONGEST_WAIT
from tests.support.postgres import Server
from tests.support.processes import PROJECT
from tests.support.stalled_proxy import StalledProxy
from tests.support.waiting import seconds_of, wait_until

CLIENTS = 20

STATEMENT_TIMEOUT = 3.0
"""Seconds; a busy machine may stand still for a while, and then a statement fails without a fault."""


@pytest.fixture
def admin(server: Server) -> Iterator[psycopg2.extensions.connection]:
    connection = psycopg2.connect(server.url)
    connection.autocommit = True
    connection.cursor().execute(f"DROP TABLE IF EXISTS ledger; {LEDGER}")
    yield connection
    connection.close()


@pytest.fixture
def make_database(server: Server, admin: psycopg2.extensions.connection) -> Iterator[Callable[..., Database]]:
    made: list[Database] = []

    def make(url: str = server.url, pool_size: int = 8) -> Database:
        made.append(Database(url, pool_size=pool_size, statement_timeout=STATEMENT_TIMEOUT))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def database(make_database: Callable[..., Database]) -> Database:
    return make_database()


def test_the_database_is_killed_and_started_again(server: Server, database: Database) -> None:
    with Load(database, CLIENTS) as load:
        load.wait_for_success(time.monotonic())
        server.kill()
        load.wait_for_error()
        time.sleep(0.5)
        recovered = load.wait_for_success(server.start())
    load.check("kill -9 of the server", recovered)


def test_the_database_is_restarted_repeatedly(server: Server, database: Database) -> None:
    recovered = 0.0
    with Load(database, CLIENTS) as load:
        for _ in range(5):
            load.wait_for_success(time.monotonic())
            recovered = max(recovered, load.wait_for_success(server.restart()))
    load.check("five restarts", recovered)


def test_during_a_longer_outage_no_call_waits(server: Server, database: Database) -> None:
    database.run("SELECT 1")
    server.kill()

    def fails() -> bool:
        try:
            database.run("SELECT 1", repeatable=True)
        except DatabaseUnavailable:
            return True
        return False

    wait_until(fails, "the first failure")
    failed: list[bool] = []
    durations = [seconds_of(lambda: failed.append(fails())) for _ in range(51)]
    server.start()
    assert all(failed)
    # The longest ones are the machine's.
    assert median(durations) < 0.5


def test_every_connection_is_terminated_repeatedly(server: Server, database: Database) -> None:
    with Load(database, CLIENTS) as load:
        for _ in range(10):
            load.wait_for_success(time.monotonic())
            server.terminate_connections()
        recovered = load.wait_for_success(time.monotonic())
    load.check("pg_terminate_backend of all, ten times", recovered)


def test_the_network_drops_all_packets_and_recovers(server: Server, make_database: Callable[..., Database]) -> None:
    with StalledProxy(server.url) as proxy, Load(make_database(proxy.url), CLIENTS) as load:
        load.wait_for_success(time.monotonic())
        proxy.stall()
        load.wait_for_error_of_each(time.monotonic())
        time.sleep(1)
        proxy.resume()
        recovered = load.wait_for_success(time.monotonic())
        load.stop()
        load.check("black hole", recovered)


def test_the_network_drops_all_packets_from_the_start(server: Server, make_database: Callable[..., Database]) -> None:
    with StalledProxy(server.url) as proxy:
        proxy.stall()
        with Load(make_database(proxy.url), CLIENTS) as load:
            load.wait_for_error_of_each(time.monotonic())
            time.sleep(1)
            proxy.resume()
            recovered = load.wait_for_success(time.monotonic())
            load.stop()
            load.check("black hole from the start", recovered)


def test_a_statement_that_cannot_be_cancelled_is_no_outage(
    server: Server, make_database: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    # After a second in which a busy machine ran no statement at all, the database would count as gone.
    monkeypatch.setattr(database_module, "SILENCE_TIMEOUT", STATEMENT_TIMEOUT - 0.5)
    with StalledProxy(server.url) as proxy:
        database = make_database(proxy.url)
        with Load(database, 3) as load:
            load.wait_for_success(time.monotonic())
            proxy.stall_new_connections()
            with pytest.raises(DatabaseUnavailable):
                database.run("SELECT pg_sleep(10)")
            load.wait_for_success(time.monotonic())
            assert load.failed == {}
            proxy.resume()
        load.check("a statement that cannot be cancelled")


STANDSTILL = """
import sys, threading, time
from api.postgres.database import Database
from api.postgres.errors import DatabaseUnavailable
from tests.support.stalled_proxy import StalledProxy

def run():
    try:
        database.run("SELECT 1")
    except DatabaseUnavailable:
        pass

with StalledProxy(sys.argv[1]) as proxy:
    database = Database(proxy.url, pool_size=1, statement_timeout=0.5)
    run()
    proxy.stall()
    thread = threading.Thread(target=run)
    thread.start()
    longest, last = 0.0, time.monotonic()
    while thread.is_alive():
        time.sleep(0.01)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    database.close()
print(longest)
"""


def test_a_network_that_drops_all_packets_does_not_block_the_process(server: Server) -> None:
    """psycopg2's own cancel would block it: it waits in libpq and holds the interpreter lock."""
    command = [sys.executable, "-c", STANDSTILL, server.url]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=True)
    # It would be blocked until the network is back.
    assert float(done.stdout) < 10


def test_more_clients_than_connections(make_database: Callable[..., Database]) -> None:
    slow = "INSERT INTO ledger SELECT %s, %s FROM pg_sleep(0.15) RETURNING client"
    database = make_database(pool_size=2)
    with Load(database, CLIENTS, slow) as load:
        load.wait_for_error()
        time.sleep(1)
    assert set(load.failed) == {"overloaded"}
    load.check("20 clients, 2 connections, 150 ms a statement")


def test_a_row_lock_delays_only_writes_to_that_row(
    server: Server, database: Database, admin: psycopg2.extensions.connection
) -> None:
    admin.cursor().execute("DROP TABLE IF EXISTS rows; CREATE TABLE rows AS SELECT generate_series(1, 2) AS id, 0 AS n")
    holder = psycopg2.connect(server.url)
    holder.cursor().execute("UPDATE rows SET n = 1 WHERE id = 1")
    update = "UPDATE rows SET n = n + 1 WHERE id = 1 RETURNING (%s, %s)"
    with Load(database, 3, update) as stuck, Load(database, 5) as load:
        stuck.wait_for_error()
        load.wait_for_success(time.monotonic())
    assert set(stuck.failed) == {"deadline"}
    assert stuck.longest < LONGEST_WAIT
    assert load.failed == {}
    holder.rollback()
    holder.close()
    assert database.run("SELECT n FROM rows WHERE id = 1") == [(0,)]
    load.check("a lock held on another row")


def test_on_a_full_disk_nothing_is_stored_and_the_connections_stay(
    database: Database, admin: psycopg2.extensions.connection
) -> None:
    full = """
        CREATE OR REPLACE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
        CREATE TRIGGER full_disk AFTER INSERT ON ledger EXECUTE FUNCTION full_disk()
    """
    with Load(database, CLIENTS) as load:
        load.wait_for_success(time.monotonic())
        admin.cursor().execute(full)
        load.wait_for_error()
        time.sleep(0.5)
        admin.cursor().execute("DROP TRIGGER full_disk ON ledger")
        recovered = load.wait_for_success(time.monotonic())
    assert set(load.failed) == {"disk_full"}
    assert len(load.acknowledged) == database.run("SELECT count(*) FROM ledger")[0][0]
    load.check("full disk", recovered)

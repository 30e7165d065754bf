"""The pool during an outage: the errors of callers, and the connector threads that retry."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import pytest

from api.postgres import pool as pool_module
from api.postgres.database import Database
from api.postgres.errors import DatabaseUnavailable, Overloaded
from api.postgres.pool import QUEUE_TIMEOUT, RETRY_INTERVAL, Pool
from tests.postgres.statements import PATIENCE, Admin, check_out, open_connections, run_aside, url_as
from tests.support.stalled_proxy import StalledProxy
from tests.support.waiting import wait_until


class TestConnectors:
    def test_the_start_and_the_end_of_an_outage_are_logged_once(
        self,
        make_database: Callable[..., Database],
        admin: Admin,
        url: str,
        role: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        database = make_database(url_as(role, url), pool_size=4)
        with caplog.at_level(logging.INFO, "api.postgres"):
            assert database.run("SELECT 1") == [(1,)]
            admin(f"ALTER ROLE {role} NOLOGIN")
            database.close()
            outcomes = [run_aside(database, "SELECT 1") for _ in range(4)]
            for thread, _ in outcomes:
                thread.join()
            time.sleep(0.5)
            admin(f"ALTER ROLE {role} LOGIN")
            wait_until(lambda: database.pool.idle)
            open_connections(database, 4)
        assert [str(outcome[0]) for _, outcome in outcomes] == ["connect"] * 4
        gone, back = caplog.messages
        assert gone.startswith("cannot connect to the database: ")
        assert "\n" not in gone
        assert back == "connected to the database again"

    def test_one_connector_at_a_time_retries(
        self, make_database: Callable[..., Database], admin: Admin, url: str, role: str
    ) -> None:
        admin(f"ALTER ROLE {role} NOLOGIN")
        with StalledProxy(url) as proxy:
            database = make_database(url_as(role, proxy.url), pool_size=8)
            outcomes = [run_aside(database, "SELECT 1") for _ in range(8)]
            for thread, _ in outcomes:
                thread.join()
            before, started = proxy.requests, time.monotonic()
            wait_until(lambda: proxy.requests >= before + 4, "further attempts")
            # One attempt may have been under way before.
            assert proxy.requests - before <= (time.monotonic() - started) / RETRY_INTERVAL + 2
            database.close()
            makes_no_attempt(database, proxy)

    def test_connecting_stops_after_a_while_without_demand(
        self,
        make_database: Callable[..., Database],
        admin: Admin,
        url: str,
        role: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The next statement then connects again."""
        admin(f"ALTER ROLE {role} NOLOGIN")
        with StalledProxy(url) as proxy:
            database = make_database(url_as(role, proxy.url))
            with pytest.raises(DatabaseUnavailable):
                database.run("SELECT 1")
            monkeypatch.setattr(pool_module, "RETRY_TIMEOUT", 0.3)
            makes_no_attempt(database, proxy)
            monkeypatch.undo()
            admin(f"ALTER ROLE {role} LOGIN")
            assert database.run("SELECT 1") == [(1,)]
            database.close()

    def test_failed_connects_reject_no_caller_while_another_may_succeed(
        self, make_database: Callable[..., Database], url: str
    ) -> None:
        with StalledProxy(url) as proxy:
            database = make_database(proxy.url, pool_size=4)
            proxy.stall_new_connections()
            together = [wait_aside(database.pool)]
            wait_until(lambda: proxy.connections == 1)
            proxy.refuse(100)
            together += [wait_aside(database.pool) for _ in range(3)]
            wait_until(lambda: proxy.connections >= 7)
            proxy.resume()
            for thread, _ in together:
                thread.join()
            assert [outcome for _, outcome in together] == [[None]] * 4
            database.close()

    def test_a_single_failed_connect_rejects_no_caller(self, make_database: Callable[..., Database], url: str) -> None:
        """A server that ends all connections may accept new ones at once."""
        with StalledProxy(url) as proxy:
            database = make_database(proxy.url)
            proxy.refuse(1)
            assert database.run("SELECT 1") == [(1,)]
            database.close()

    def test_only_the_first_caller_waits_for_a_connect_without_a_response(
        self, make_database: Callable[..., Database], url: str
    ) -> None:
        with StalledProxy(url) as proxy:
            database = make_database(proxy.url, check_out_timeout=0.5)
            proxy.stall_new_connections()
            started = time.monotonic()
            with pytest.raises(DatabaseUnavailable, match="connect_timeout"):
                database.run("SELECT 1")
            assert database.errors == {"connect_timeout": 1}
            with pytest.raises(DatabaseUnavailable, match="connect_timeout"):
                check_out(database)
            assert time.monotonic() - started < PATIENCE / 2
            proxy.resume()
            wait_until(lambda: database.pool.idle)
            database.close()

    def test_a_slow_first_connect_rejects_no_caller(self, make_database: Callable[..., Database], url: str) -> None:
        """The queue is over its limit, but no thread holds a connection, so it is not an overload."""
        with StalledProxy(url) as proxy:
            database = make_database(proxy.url, pool_size=1, max_waiting=1)
            proxy.stall_new_connections()
            together = [wait_aside(database.pool) for _ in range(3)]
            time.sleep(2 * QUEUE_TIMEOUT)
            proxy.resume()
            for thread, _ in together:
                thread.join()
            assert [outcome for _, outcome in together] == [[None]] * 3
            database.close()

    def test_a_connect_that_began_before_a_renewal_is_not_used(
        self, make_database: Callable[..., Database], url: str
    ) -> None:
        with StalledProxy(url) as proxy:
            database = make_database(proxy.url)
            proxy.stall_new_connections()
            waiting, outcome = wait_aside(database.pool)
            wait_until(lambda: proxy.connections == 1)
            database.pool.renew()
            proxy.resume()
            waiting.join()
            assert outcome == [None]
            assert (database.pool.idle, proxy.connections) == (1, 2)
            database.close()


class TestRenewing:
    """`renew` with an error kind, as after a deadline without a response of the server."""

    @pytest.fixture
    def pool(self, make_database: Callable[..., Database]) -> Pool:
        return make_database(pool_size=1).pool

    def test_waiting_callers_get_the_error_at_once(self, pool: Pool) -> None:
        lent = pool.check_out(time.monotonic() + PATIENCE)
        waiting, outcome = wait_aside(pool)
        wait_until(lambda: pool.waiting)
        pool.renew("no_answer")
        waiting.join(PATIENCE / 2)
        assert outcome == ["no_answer"]
        pool.discard(lent)

    def test_earlier_connections_are_not_waited_for(self, pool: Pool) -> None:
        """A caller does not wait for a connection in use that was opened before."""
        lent = pool.check_out(time.monotonic() + PATIENCE)
        pool.renew("no_answer")
        started = time.monotonic()
        with pytest.raises(DatabaseUnavailable, match="no_answer"):
            pool.check_out(started + PATIENCE)
        assert time.monotonic() - started < PATIENCE / 2
        pool.check_in(lent)
        wait_until(lambda: pool.idle)

    def test_it_reconnects_without_demand(self, pool: Pool) -> None:
        before = pool.check_out(time.monotonic() + PATIENCE)
        pool.check_in(before)
        pool._last_demand = float("-inf")
        pool.renew("no_answer")
        wait_until(lambda: pool.idle)
        after = pool.check_out(time.monotonic())
        pool.check_in(after)
        assert after is not before

    def test_a_discarded_connection_is_replaced_for_a_waiting_caller(self, pool: Pool) -> None:
        lent = pool.check_out(time.monotonic() + PATIENCE)
        waiting, outcome = wait_aside(pool)
        wait_until(lambda: pool.waiting)
        pool.discard(lent)
        waiting.join(PATIENCE / 2)
        assert outcome == [None]


def makes_no_attempt(database: Database, proxy: StalledProxy) -> None:
    """Check that no connector is left, and that none starts by itself."""
    wait_until(lambda: not database.pool._connectors, "the last attempt to end")
    before = proxy.requests
    time.sleep(2 * RETRY_INTERVAL)
    assert proxy.requests == before


def wait_aside(pool: Pool) -> tuple[threading.Thread, list[str | None]]:
    """Check a connection out and in, in a thread; the error's kind or None is appended to the list."""
    outcome: list[str | None] = []

    def work() -> None:
        try:
            pool.check_in(pool.check_out(time.monotonic() + PATIENCE))
            outcome.append(None)
        except DatabaseUnavailable as ex:
            outcome.append(ex.kind)
        except Overloaded:
            outcome.append("overloaded")

    thread = threading.Thread(target=work)
    thread.start()
    return thread, outcome

"""The pool of connections. A thread waits for one until a deadline, or not at all while the database counts as gone.

The waiting threads do not connect: a connect cannot be interrupted, and in a network that loses all packets it takes
longer than a request may. Threads started for this, the connectors, do it.
"""

from __future__ import annotations

import itertools
import logging
import sys
import threading
from collections import deque
from collections.abc import Mapping
from time import monotonic, sleep
from typing import Any, Final

import psycopg2

from api.postgres.connection import Connection
from api.postgres.errors import DatabaseUnavailable, Overloaded
from api.postgres.threads import start_thread

logger: Final = logging.getLogger(__name__)

QUEUE_TIMEOUT: Final = 0.3
"""Seconds that the first in a full queue must have waited before other threads get Overloaded. A shorter wait means a
slow commit, not an overload."""

RETRY_INTERVAL: Final = 0.2
"""Seconds between two attempts to connect to a database that is gone."""

RETRY_TIMEOUT: Final = 10.0
"""Seconds after the last check-out for which the pool goes on connecting to a database that is gone."""


class _Waiter:
    """A thread in the queue. Once `served` it has a connection, the database's failure, or neither: then Overloaded."""

    def __init__(self) -> None:
        self.since = monotonic()
        self.served = threading.Event()
        self.connection: Connection | None = None
        self.failure: str | None = None


class Pool:
    """Up to `size` connections, opened on demand. While all are in use, `max_waiting` threads may wait for one.

    `parameters` are libpq's.
    """

    def __init__(self, parameters: Mapping[str, str], size: int, max_waiting: int | None = None) -> None:
        self._parameters: dict[str, Any] = dict(parameters)
        self._size = size
        self._max_waiting = sys.maxsize if max_waiting is None else max_waiting
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Drop all connections without closing them. In a forked child they belong to its parent."""
        self._mutex = threading.Lock()
        self._idle: list[Connection] = []
        self._lent: set[Connection] = set()
        self._queue: deque[_Waiter] = deque()
        self._connectors = 0
        # A connection of an earlier generation is closed when it comes back.
        self._generation = 0
        # Why the database counts as gone; None while it does not.
        self._failure: str | None = None
        self._last_demand = float("-inf")

    @property
    def in_use(self) -> int:
        """Connections that are checked out."""
        return len(self._lent)

    @property
    def idle(self) -> int:
        """Connections that are open and free."""
        return len(self._idle)

    @property
    def waiting(self) -> int:
        """Threads that wait for a connection."""
        return len(self._queue)

    def check_out(self, deadline: float) -> Connection:
        """Check out a live connection. The caller returns it with `check_in` or `discard`.

        Waits until `deadline` (monotonic seconds) at most. Raises Overloaded if all stay in use, too many threads wait,
        or no connector can be started; DatabaseUnavailable if no connection can be opened.
        """
        while True:
            with self._mutex:
                if self._idle:
                    connection = self._idle.pop()
                    self._lent.add(connection)
                    waiter, missing = None, 0
                elif len(self._queue) >= self._max_waiting and self._queue_stalls():
                    raise Overloaded
                else:
                    waiter, missing = self._enqueue(), self._claim_connectors()
            if waiter is not None:
                self._start_connectors(missing)
                connection = self._wait(waiter, deadline)
            if connection.is_alive():
                return connection
            self.discard(connection)

    def check_in(self, connection: Connection) -> None:
        """Take a connection back. Close it if it is broken, in a transaction, or older than the last `renew`."""
        clean = connection.is_clean()
        with self._mutex:
            if clean and connection.generation == self._generation:
                self._lent.discard(connection)
                self._hand_over(connection)
                return
        self.discard(connection)

    def discard(self, connection: Connection) -> None:
        """Close a connection instead of checking it in."""
        with self._mutex:
            self._lent.discard(connection)
            missing = self._claim_connectors()
        self._start_connectors(missing)
        connection.close()

    def renew(self, failure: str | None = None) -> None:
        """Stop using the present connections, because their server has changed.

        With `failure` the database counts as gone until a new connection is open.
        """
        missing = 0
        with self._mutex:
            self._generation += 1
            idle, self._idle = self._idle, []
            if failure is not None:
                self._failure = failure
                self._last_demand = monotonic()
                self._fail_queue()
                missing = self._claim_connectors()
        self._start_connectors(missing)
        for connection in idle:
            connection.close()

    def close_all(self) -> None:
        """Close the idle connections now, and those in use when they come back. The next `check_out` opens new ones."""
        with self._mutex:
            self._last_demand = float("-inf")
        self.renew()

    def _start_connectors(self, number: int) -> None:
        """Start the connectors that were claimed. Without the mutex: a start can fail or take long."""
        for started in range(number):
            if not start_thread(self._connect):
                self._return_claims(number - started)
                return

    def _return_claims(self, number: int) -> None:
        with self._mutex:
            self._connectors -= number
            if not self._connectors and not self._has_lent():
                # Nothing is left that could serve the queue. The next check-out claims connectors again.
                self._fail_queue()

    def _wait(self, waiter: _Waiter, deadline: float) -> Connection:
        while not waiter.served.wait(min(deadline - monotonic(), QUEUE_TIMEOUT)) and monotonic() < deadline:
            with self._mutex:
                # It was accepted while the queue still moved. Now its thread is needed for other work.
                surplus = waiter in itertools.islice(self._queue, self._max_waiting, None)
                if surplus and self._queue_stalls() and self._has_lent():
                    self._queue.remove(waiter)
                    raise Overloaded
        with self._mutex:
            if not waiter.served.is_set():
                self._give_up(waiter)
        if waiter.connection is not None:
            return waiter.connection
        raise Overloaded if waiter.failure is None else DatabaseUnavailable(waiter.failure)

    def _connect(self) -> None:
        """A connector: open one connection, and try again as long as threads need one."""
        for attempt in itertools.count(1):
            with self._mutex:
                generation = self._generation
                if monotonic() - self._last_demand > RETRY_TIMEOUT:
                    # The failure is out of date by the time of the next check-out, which then waits for a connect.
                    self._failure = None
                    self._connectors -= 1
                    return
            try:
                connection = psycopg2.connect(connection_factory=Connection, **self._parameters)
            except Exception as ex:
                # The first failure is not recorded: a server that ends all connections may accept new ones at once.
                if attempt > 1:
                    if not self._record_failure(ex):
                        return
                    sleep(RETRY_INTERVAL)
            else:
                connection.generation = generation
                self._add(connection)
                return

    def _record_failure(self, ex: Exception) -> bool:
        """Whether the connector that failed must try again. Only the last one does; the others end."""
        with self._mutex:
            if self._connectors > 1:
                # The others may succeed: a server that is almost full accepts some of them.
                self._connectors -= 1
                return False
            if self._failure is None:
                logger.warning("cannot connect to the database: %s", " ".join(str(ex).split()))
            self._failure = "connect"
            if not self._has_lent():
                self._fail_queue()
            return True

    def _add(self, connection: Connection) -> None:
        """Add a connector's connection to the pool. Close it if it was opened before the last `renew`."""
        with self._mutex:
            self._connectors -= 1
            if self._failure is not None:
                logger.info("connected to the database again")
            self._failure = None
            current = connection.generation == self._generation
            if current:
                self._hand_over(connection)
            missing = self._claim_connectors()
        self._start_connectors(missing)
        if not current:
            connection.close()

    # The methods below are called with the mutex held.

    def _enqueue(self) -> _Waiter:
        self._last_demand = monotonic()
        waiter = _Waiter()
        self._queue.append(waiter)
        if self._failure is not None and not self._has_lent():
            self._fail_queue()
        return waiter

    def _give_up(self, waiter: _Waiter) -> None:
        """The waiter's deadline has passed."""
        if self._has_lent():
            self._queue.remove(waiter)
            return
        if self._failure is None:
            # Further threads fail at once.
            self._failure = "connect_timeout"
        self._fail_queue()

    def _queue_stalls(self) -> bool:
        return monotonic() - self._queue[0].since > QUEUE_TIMEOUT

    def _hand_over(self, connection: Connection) -> None:
        if self._queue:
            waiter = self._queue.popleft()
            waiter.connection = connection
            self._lent.add(connection)
            waiter.served.set()
        else:
            self._idle.append(connection)

    def _fail_queue(self) -> None:
        while self._queue:
            waiter = self._queue.popleft()
            waiter.failure = self._failure
            waiter.served.set()

    def _has_lent(self) -> bool:
        return any(connection.generation == self._generation for connection in self._lent)

    def _claim_connectors(self) -> int:
        """How many connectors the caller must start. They count from now on, so that no other thread starts them."""
        wanted = len(self._queue) if self._failure is None else 1
        room = self._size - len(self._lent) - len(self._idle)
        missing = max(0, min(wanted, room) - self._connectors)
        self._connectors += missing
        return missing

"""The pool of connections: Peewee's pooled database with other insides. Peewee's asks the server before every use, and
connects while it holds its lock, so that one connect into a black hole holds everybody up.

Here threads of their own connect. Whoever needs a connection waits for one until a deadline, or not at all while the
database is known to be gone.
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
from playhouse.pool import PooledPostgresqlDatabase

from api.errors import DatabaseUnavailable, Overloaded
from api.postgres.connection import Connection

logger: Final = logging.getLogger(__name__)

PATIENCE: Final = 10.0
"""Seconds that migrations wait for a connection: no request waits for them."""

QUEUE_PATIENCE: Final = 0.3
"""Seconds that the first in a full queue must have waited before others are turned away: a shorter wait is a slow
commit, no overload."""

RETRY_INTERVAL: Final = 0.2
"""Seconds between two tries to connect to a database that is gone."""

KEEP_TRYING: Final = 10.0
"""Seconds after the last request for a connection that a database which is gone is still looked for."""

# Each may be set in the URL instead. None is session state, so a transaction pooler takes them.
DEFAULTS: Final = {
    "connect_timeout": "2",
    "client_encoding": "UTF8",
    "fallback_application_name": "tasks",
    # An idle connection that a firewall has forgotten is found out while it is idle, not by the next request.
    "keepalives_idle": "30",
    "keepalives_interval": "5",
    "keepalives_count": "3",
}


class _Waiter:
    """Somebody in the queue, called with a connection or with the reason why there is none."""

    def __init__(self) -> None:
        self.since = monotonic()
        self.called = threading.Event()
        self.connection: Connection | None = None
        self.failure: str | None = None


class Pool(PooledPostgresqlDatabase):  # type: ignore[misc]
    """Up to `size` connections, made as they are needed; once all are in use, `max_waiting` threads may wait for one.

    By Peewee's methods it is an ordinary Peewee database. `users_table` is for migrations to read: the table that tasks
    refer to.
    """

    users_table: str = "users"

    def __init__(self, parameters: Mapping[str, str], size: int, max_waiting: int | None = None) -> None:
        super().__init__(parameters["dbname"])
        self._parameters: dict[str, Any] = {**DEFAULTS, **parameters}
        self._size = size
        self._max_waiting = sys.maxsize if max_waiting is None else max_waiting
        self.forget()

    def forget(self) -> None:
        """Start empty, without a word to the server: the connections of a forked child are its parent's."""
        self.dispose()
        self._mutex = threading.Lock()
        self._idle: list[Connection] = []
        self._lent: set[Connection] = set()
        self._queue: deque[_Waiter] = deque()
        self._connecting = 0
        self._generation = 0
        self._failure: str | None = None
        self._missed_at = 0.0

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
        """A connection that is alive, to be given back by `check_in`.

        Waits until `deadline` (monotonic seconds) at most. Raises Overloaded when all stay in use or too many wait,
        DatabaseUnavailable when none can be made.
        """
        while True:
            with self._mutex:
                if self._idle:
                    connection = self._idle.pop()
                    self._lent.add(connection)
                    waiter = None
                elif len(self._queue) >= self._max_waiting and self._stands_still():
                    raise Overloaded
                else:
                    waiter = self._join_queue()
            if waiter is not None:
                connection = self._wait(waiter, deadline)
            if connection.is_alive():
                return connection
            self.discard(connection)

    def check_in(self, connection: Connection) -> None:
        """Take a connection back, or close it where it is broken, in a transaction, or made before `renew`."""
        clean = connection.is_clean()
        with self._mutex:
            if clean and connection.generation == self._generation:
                self._lent.discard(connection)
                self._hand_over(connection)
                return
        self.discard(connection)

    def discard(self, connection: Connection) -> None:
        """Close a connection in place of checking it in."""
        with self._mutex:
            self._lent.discard(connection)
            self._connect_as_needed()
        connection.close()

    def renew(self, failure: str | None = None) -> None:
        """Let no connection made until now be used again: the server behind them is not what it was.

        With `failure` the database counts as gone until a new connection is made.
        """
        with self._mutex:
            self._generation += 1
            idle, self._idle = self._idle, []
            if failure is not None:
                self._failure = failure
                self._missed_at = monotonic()
                self._turn_away()
                self._connect_as_needed()
        for connection in idle:
            connection.close()

    def close_all(self) -> None:
        """Close what is idle now and what is in use when it comes back. The next `check_out` starts anew."""
        self.close()
        self._missed_at = 0.0
        self.renew()

    def _connect(self) -> Connection:
        return self.check_out(monotonic() + PATIENCE)

    def _close(self, conn: Connection, close_conn: bool = False) -> None:
        (self.discard if close_conn else self.check_in)(conn)

    # The rest, but for `_wait` and `_keep_connecting`, is called with the mutex held.

    def _join_queue(self) -> _Waiter:
        self._missed_at = monotonic()
        waiter = _Waiter()
        self._queue.append(waiter)
        self._connect_as_needed()
        if self._is_gone():
            self._turn_away()
        return waiter

    def _wait(self, waiter: _Waiter, deadline: float) -> Connection:
        while not waiter.called.wait(min(deadline - monotonic(), QUEUE_PATIENCE)) and monotonic() < deadline:
            with self._mutex:
                # Let in while the queue still moved: as it no longer does, its thread is needed for other work.
                surplus = waiter in itertools.islice(self._queue, self._max_waiting, None)
                if surplus and self._stands_still() and self._has_lent():
                    self._queue.remove(waiter)
                    raise Overloaded
        with self._mutex:
            if waiter.connection is not None:
                return waiter.connection
            if waiter.failure is None:
                self._queue.remove(waiter)
                if self._has_lent():
                    raise Overloaded
                # Whoever comes next need not wait as long to learn the same.
                waiter.failure = self._failure = self._failure or "connect_timeout"
                self._turn_away()
            raise DatabaseUnavailable(waiter.failure)

    def _stands_still(self) -> bool:
        return monotonic() - self._queue[0].since > QUEUE_PATIENCE

    def _hand_over(self, connection: Connection) -> None:
        if self._queue:
            waiter = self._queue.popleft()
            waiter.connection = connection
            self._lent.add(connection)
            waiter.called.set()
        else:
            self._idle.append(connection)

    def _turn_away(self) -> None:
        while self._queue:
            waiter = self._queue.popleft()
            waiter.failure = self._failure
            waiter.called.set()

    def _has_lent(self) -> bool:
        return any(connection.generation == self._generation for connection in self._lent)

    def _is_gone(self) -> bool:
        return self._failure is not None and not self._has_lent()

    def _connect_as_needed(self) -> None:
        wanted = len(self._queue) if self._failure is None else 1
        room = self._size - len(self._lent) - len(self._idle)
        while self._connecting < min(wanted, room):
            threading.Thread(target=self._keep_connecting, name="connect", daemon=True).start()
            self._connecting += 1

    def _keep_connecting(self) -> None:
        """A thread's work: make one connection, tried again and again while anybody asks for one."""
        for tries in itertools.count(1):
            with self._mutex:
                generation = self._generation
                if monotonic() - self._missed_at > KEEP_TRYING:
                    # Nobody knows any more how things are: whoever asks next waits for the answer.
                    self._failure = None
                    self._connecting -= 1
                    return
            try:
                connection = psycopg2.connect(connection_factory=Connection, **self._parameters)
            except Exception as ex:
                # One failure alone says little: a server that throws out its clients takes new ones at once.
                if tries > 1:
                    if not self._note_failure(ex):
                        return
                    sleep(RETRY_INTERVAL)
                continue
            connection.generation = generation
            with self._mutex:
                self._connecting -= 1
                if self._failure is not None:
                    logger.info("connected to the database again")
                self._failure = None
                wanted = generation == self._generation
                if wanted:
                    self._hand_over(connection)
                self._connect_as_needed()
            if not wanted:
                connection.close()
            return

    def _note_failure(self, ex: Exception) -> bool:
        """Turn away those who wait in vain; whether the thread is to try again, which one at a time does."""
        with self._mutex:
            if self._connecting > 1:
                # The last one to fail speaks for all: a server with too few places may take some.
                self._connecting -= 1
                return False
            if self._failure is None:
                logger.warning("cannot connect to the database: %s", " ".join(str(ex).split()))
            self._failure = "connect"
            if self._is_gone():
                self._turn_away()
            return True

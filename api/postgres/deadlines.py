"""The watchdog: one thread that ends the statements whose deadline has passed. It needs no state in a session.

It asks the server to cancel. If that has no effect, as in a network that loses all packets, it shuts the socket down,
and the thread that waits for the statement gets an error at once.
"""

from __future__ import annotations

import threading
from time import monotonic
from typing import Final

from api.postgres.connection import CancelRequest, Connection
from api.postgres.errors import Overloaded
from api.postgres.threads import start_thread

CANCEL_GRACE: Final = 0.2
"""Seconds that the server has to act on a cancel request before the socket is shut down."""

POLL_INTERVAL: Final = 0.1
"""Seconds at most between two checks of the deadlines."""

MAX_CANCELS: Final = 8
"""Cancel requests in flight at once. In a network that loses all packets each keeps its thread for minutes."""


class Deadlines:
    """Deadlines of running statements. `enter` and `leave` cost one dictionary operation each and no lock.

    The watchdog starts with a process's first statement, so never before a fork.
    """

    def __init__(self) -> None:
        self._running: dict[Connection, float] = {}
        self._overdue: dict[Connection, float] = {}
        self._lock = threading.Lock()
        self._cancels = threading.BoundedSemaphore(MAX_CANCELS)
        self._stop: threading.Event | None = None

    def enter(self, connection: Connection, deadline: float) -> None:
        """Watch `connection`, which is about to run a statement that must end by `deadline` (monotonic seconds).

        Raises Overloaded if the watchdog cannot be started.
        """
        if self._stop is None and not start_thread(self._watch, threading.Event()):
            raise Overloaded
        self._running[connection] = deadline

    def leave(self, connection: Connection) -> bool:
        """Stop watching, whether the statement succeeded or not. False if its deadline had passed: a cancel request may
        still arrive.
        """
        # pop is atomic. Only one of this thread and the watchdog gets the entry.
        if self._running.pop(connection, None) is not None:
            return True
        with self._lock:
            self._overdue.pop(connection, None)
        return False

    def stop(self) -> None:
        """End the watchdog. The next statement starts another."""
        with self._lock:
            if self._stop is not None:
                self._stop.set()
                self._stop = None

    def _watch(self, stop: threading.Event) -> None:
        with self._lock:
            if self._stop is not None:
                # Statements that ran at the same time have started two.
                return
            self._stop = stop
        sleep = POLL_INTERVAL
        while not stop.wait(sleep):
            now = monotonic()
            for connection in _past(self._running, now):
                self._cancel(connection, now + CANCEL_GRACE)
            with self._lock:
                for connection in _past(self._overdue, now):
                    del self._overdue[connection]
                    connection.shut_down()
                soonest = min([*self._running.copy().values(), *self._overdue.values()], default=now + 1)
            sleep = min(max(soonest - monotonic(), 0.001), POLL_INTERVAL)

    def _cancel(self, connection: Connection, shut_down_at: float) -> None:
        with self._lock:
            if self._running.pop(connection, None) is None:
                return
            self._overdue[connection] = shut_down_at
            request = CancelRequest(connection)
        # Without a thread to send it, the socket is shut down after the grace.
        if self._cancels.acquire(blocking=False) and not start_thread(self._send, request):
            self._cancels.release()

    def _send(self, request: CancelRequest) -> None:
        try:
            request.send()
        finally:
            self._cancels.release()


def _past(deadlines: dict[Connection, float], now: float) -> list[Connection]:
    return [connection for connection, until in deadlines.copy().items() if until <= now]

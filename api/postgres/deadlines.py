"""The watchdog over running statements: one thread that ends those whose time is up, without any session's state.

It asks the server to cancel. Where that brings no answer, as in a network that swallows everything, it shuts the
socket down, which the waiting thread notices at once.
"""

from __future__ import annotations

import threading
from time import monotonic
from typing import Final

from api.postgres.connection import CancelRequest, Connection

CANCEL_GRACE: Final = 0.2
"""Seconds that the server has to answer a cancel request before the socket is shut down."""

LONGEST_SLEEP: Final = 0.1
"""Seconds at most between two looks at the deadlines."""

MAX_CANCELS: Final = 8
"""Cancel requests under way at once: one that goes into a black hole keeps its thread for minutes."""


class Deadlines:
    """Deadlines of running statements. To enter and to leave costs one dictionary operation each and no lock.

    The thread starts with a process's first statement, so never before a fork.
    """

    def __init__(self) -> None:
        self._running: dict[Connection, float] = {}
        self._overdue: dict[Connection, float] = {}
        self._lock = threading.Lock()
        self._cancels = threading.BoundedSemaphore(MAX_CANCELS)
        self._stop: threading.Event | None = None

    def enter(self, connection: Connection, deadline: float) -> None:
        """`connection` is about to run a statement that must end by `deadline` (monotonic seconds)."""
        self._running[connection] = deadline
        if self._stop is None:
            self._start()

    def leave(self, connection: Connection) -> bool:
        """The statement has ended, well or badly. False where its time had run out: a cancel may be on its way.

        After this nothing here touches the connection.
        """
        # Taking the entry out is atomic: whoever does, this thread or the watchdog, decides how the statement ended.
        if self._running.pop(connection, None) is not None:
            return True
        with self._lock:
            self._overdue.pop(connection, None)
        return False

    def stop(self) -> None:
        """End the thread; the next statement starts another."""
        with self._lock:
            if self._stop is not None:
                self._stop.set()
                self._stop = None

    def _start(self) -> None:
        with self._lock:
            if self._stop is None:
                self._stop = threading.Event()
                arguments = (self._stop,)
                threading.Thread(target=self._watch, args=arguments, name="deadlines", daemon=True).start()

    def _watch(self, stop: threading.Event) -> None:
        sleep = LONGEST_SLEEP
        while not stop.wait(sleep):
            now = monotonic()
            for connection in _past(self._running, now):
                self._cancel(connection, now + CANCEL_GRACE)
            with self._lock:
                for connection in _past(self._overdue, now):
                    del self._overdue[connection]
                    connection.shut_down()
                soonest = min([*self._running.copy().values(), *self._overdue.values()], default=now + 1)
            sleep = min(max(soonest - monotonic(), 0.001), LONGEST_SLEEP)

    def _cancel(self, connection: Connection, shut_down_at: float) -> None:
        with self._lock:
            if self._running.pop(connection, None) is None:
                return
            self._overdue[connection] = shut_down_at
            request = CancelRequest(connection)
        if self._cancels.acquire(blocking=False):
            try:
                threading.Thread(target=self._send, args=(request,), name="cancel", daemon=True).start()
            except RuntimeError:
                # No thread to be had: the socket is shut down after the grace, and the watchdog lives on.
                self._cancels.release()

    def _send(self, request: CancelRequest) -> None:
        try:
            request.send()
        finally:
            self._cancels.release()


def _past(deadlines: dict[Connection, float], now: float) -> list[Connection]:
    return [connection for connection, until in deadlines.copy().items() if until <= now]

"""One serving process: its threads, which connections it accepts, its time-outs, and its stop.

The supervising thread accepts connections. The others wait on one epoll: the thread that is given a connection's event
reads, works and responds; nothing is handed from thread to thread. How many processes there are is in workers.py.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

from api.server import portable_server
from api.server.connection import Connection
from api.server.handlers import Handlers
from api.server.listener import YIELD_DELAY, WorkerGroup, raise_descriptor_limit, reject_new_connections
from api.server.progress import Progress
from api.server.quotas import Quotas, TurnQueue
from api.server.request import base_environ
from api.server.stops import StopSignals
from api.server.time_limits import DRAIN_GRACE

logger = logging.getLogger("api.server")

MAX_CONNECTIONS: Final = 4096
SPARE_THREADS: Final = 4
MAX_ACCEPTS: Final = 64
"""Connections accepted before the supervising thread looks at the clock again."""

_WATCH_INTERVAL: Final = 0.1
"""Seconds between two looks at the threads' progress."""
_SWEEP_INTERVAL: Final = 1.0
_DRAIN_INTERVAL: Final = 0.01


def serve(
    handlers: Handlers,
    listener: socket.socket,
    *,
    threads: int,
    shutdown_timeout: float,
    on_ready: Callable[[], None] = lambda: None,
    group: WorkerGroup | None = None,
) -> int:
    """Serve until SIGTERM, SIGINT, or the parent's end; the process's exit status.

    0: all that had begun was finished. 1: it was not, within `shutdown_timeout` seconds or because of a second
    signal. A worker of a group ignores the second signal: it gets each twice where a whole process group is signalled,
    and its parent kills it.
    """
    if not hasattr(select, "epoll"):
        return portable_server.serve(handlers, listener, threads=threads, on_ready=on_ready)
    loop = Loop(handlers, listener, threads=threads, group=group)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, loop.stop)
    return loop.run(on_ready, shutdown_timeout)


class Loop:
    """`threads` that serve, one that accepts connections and supervises (the caller's), and a few spare ones.

    If those that serve also accepted, a new connection would wait behind the requests of all others. The spare ones
    serve only while all that serve are stalled, so that requests which need no database are still served. Further
    requests wait in the kernel, in connections, whose number is bounded; so memory is.
    """

    def __init__(
        self,
        handlers: Handlers,
        listener: socket.socket,
        *,
        threads: int,
        group: WorkerGroup | None = None,
        max_connections: int | None = None,
    ) -> None:
        self._handlers = handlers
        self._listener = listener
        self._listener.setblocking(False)
        self._listening = listener.fileno()
        self._group = group
        self._environ = base_environ(listener, multiprocess=group is not None)
        self._events = select.epoll()
        self._connections: dict[int, Connection] = {}
        """By descriptor."""
        self._limit = raise_descriptor_limit(max_connections or MAX_CONNECTIONS)
        self._awaited = select.poll()
        """What the supervising thread waits for."""
        self._paused = False
        """Whether no connection is accepted until there is room for one."""
        self.stopping = False
        self._stops = StopSignals()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._turns_come: TurnQueue[Connection] = TurnQueue()
        self.quotas = Quotas(self._turns_come.put)
        self._finished = False
        self._progress = Progress(threads)
        self._stalled = threading.Event()

    # From any thread; `stop` as a signal handler.

    def stop(self, number: int, frame: object) -> None:
        """Begin to stop; the second signal ends at once."""
        self._stops.count()
        os.eventfd_write(self._wake, 1)

    def await_event(self, descriptor: int, event: int) -> None:
        """Give the descriptor's next event to a thread, once."""
        self._events.modify(descriptor, event | select.EPOLLONESHOT)

    def remove(self, connection: Connection) -> None:
        """Forget a connection that is about to close: then another may get its descriptor."""
        del self._connections[connection.descriptor]
        self._publish_count()

    def _publish_count(self) -> None:
        if self._group is not None:
            self._group.publish(len(self._connections))

    # The supervising thread.

    def run(self, on_ready: Callable[[], None], shutdown_timeout: float) -> int:
        """Run until stopped; see the function `serve`."""
        self._events.register(self._turns_come.descriptor, select.EPOLLIN)
        threads = [
            threading.Thread(target=self._work, args=(number,), name=f"serve-{number}", daemon=True)
            for number in range(self._progress.threads)
        ]
        threads += [
            threading.Thread(target=self._work_when_stalled, name=f"serve-spare-{number}", daemon=True)
            for number in range(SPARE_THREADS)
        ]
        self._beat()
        on_ready()  # Before the threads: so the parent knows of every worker that has served.
        for thread in threads:
            thread.start()
        try:
            self._supervise()
            return self._drain(shutdown_timeout)
        finally:
            self._finished = True

    def _supervise(self) -> None:
        self._awaited.register(self._wake, select.POLLIN)
        self._awaited.register(self._listening, select.POLLIN)
        if self._group is not None:
            self._awaited.register(self._group.parent, select.POLLIN)
        watched = swept = time.monotonic()
        while not self._stops.number:
            until = watched + _WATCH_INTERVAL
            for descriptor, _ in self._awaited.poll(max(0.0, until - time.monotonic()) * 1000):
                if descriptor == self._listening:
                    self._accept()
                elif self._group is not None and descriptor == self._group.parent:
                    logger.warning("the parent process is gone: stopping")
                    return
            now = time.monotonic()
            if now < until:
                continue
            watched = now
            self._watch_threads()
            self.quotas.expire(now)
            if not self._stalled.is_set():
                self._beat()
            if now - swept >= _SWEEP_INTERVAL or self._paused:
                swept = now
                self._sweep(now)
                self._resume_accepting()

    def _watch_threads(self) -> None:
        if self._progress.has_stopped():
            self._stalled.set()
        else:
            self._stalled.clear()

    def _beat(self) -> None:
        if self._group is not None:
            self._group.beat()

    def _sweep(self, now: float) -> None:
        """End the connections whose time is up."""
        self.quotas.expire(now)
        for connection in list(self._connections.values()):
            if not connection.busy and connection.is_late(now, crowded=self._paused):
                connection.expire()

    def _drain(self, timeout: float) -> int:
        self.stopping = True
        began = time.monotonic()
        self._stop_accepting()
        logger.info("stopping: %d connections open", len(self._connections))
        while connections := list(self._connections.values()):
            now = time.monotonic()
            if now - began > timeout or (self._group is None and self._stops.number > 1):
                return self._give_up(connections)
            self._watch_threads()
            # Threads that stand still have until the timeout.
            self._beat()
            self._sweep(now)
            for connection in connections:
                if connection.is_idle() and now - connection.since > DRAIN_GRACE:
                    connection.expire()
            time.sleep(_DRAIN_INTERVAL)
        return 0

    def _give_up(self, connections: list[Connection]) -> int:
        unfinished = sum(connection.is_working() for connection in connections)
        for connection in connections:
            connection.expire()
        if unfinished:
            logger.error("stopped with %d requests unfinished", unfinished)
        return 1 if unfinished else 0

    def _accept(self) -> None:
        """Accept connections that wait, until another process has clearly fewer. That one gets a moment to be first."""
        if self._should_yield():
            time.sleep(YIELD_DELAY)
        for _ in range(MAX_ACCEPTS):
            more = self._accept_one()
            is_full = len(self._connections) >= self._limit
            if not more or is_full or self._should_yield():
                break
        if is_full:
            logger.warning(
                "%d connections are open, this worker's limit (ulimit -n, %d at most): accepting no more for now",
                self._limit,
                MAX_CONNECTIONS,
            )
        if is_full or more is None:
            self._paused = True
            self._awaited.unregister(self._listening)

    def _should_yield(self) -> bool:
        return self._group is not None and self._group.should_yield(len(self._connections))

    def _accept_one(self) -> bool | None:
        """Whether there was one; None when the process cannot take one now."""
        try:
            sock, address = self._listener.accept()
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, sock, address, self._handlers, self._environ)
            self._connections[connection.descriptor] = connection
            self._publish_count()
            self._events.register(connection.descriptor, select.EPOLLIN | select.EPOLLONESHOT)
        except (BlockingIOError, ConnectionAbortedError):
            return False
        except OSError as ex:
            logger.warning("cannot accept: %s", ex)
            return None
        return True

    def _resume_accepting(self) -> None:
        if self._paused and len(self._connections) < self._limit:
            self._paused = False
            self._awaited.register(self._listening, select.POLLIN)

    def _stop_accepting(self) -> None:
        """Accept the connections that the kernel has taken already, and have it refuse all others."""
        if self._group is None:
            # What one worker of a group does to the listener it does to all; their parent knows whether all stop.
            reject_new_connections(self._listener)
        while self._accept_one():
            pass
        self._listener.close()

    # The serving threads.

    def _work(self, number: int) -> None:
        progress = self._progress
        while not self._finished:
            for descriptor, _ in self._events.poll(-1, 1):
                progress.begin(number, self._connections.get(descriptor))
                self._handle(descriptor)
                progress.end(number)

    def _work_when_stalled(self) -> None:
        while not self._finished:
            self._stalled.wait()
            for descriptor, _ in self._events.poll(_WATCH_INTERVAL, 1):
                self._handle(descriptor)

    def _handle(self, descriptor: int) -> None:
        if descriptor == self._turns_come.descriptor:
            if (resumed := self._turns_come.take()) is not None:
                resumed.handle_event()
        elif connection := self._connections.get(descriptor):
            connection.handle_event()

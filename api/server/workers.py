"""Processes: a parent that binds, forks WORKERS serving processes and keeps that many alive.

This module starts, replaces and stops the processes; a worker's own side is in worker.py, and what it does with the
listening socket in loop.py. With one worker there is no parent, unless something else is to be supervised.
"""

from __future__ import annotations

import gc
import logging
import mmap
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from typing import Final

from api.server.child import Child
from api.server.handlers import Handlers
from api.server.listener import WorkerGroup, accept_connections, bind, listen, reject_new_connections
from api.server.loop import serve
from api.server.stops import StopSignals
from api.server.worker import HANDLED, one_line, work

__all__ = ["accept_connections", "bind", "listen", "run"]

logger = logging.getLogger("api.server")

STABLE_AFTER: Final = 1.0
"""Seconds of serving after which a worker's end says nothing of the next one's, which then starts without a pause."""
START_TIMEOUT: Final = 60.0
"""Seconds in which a worker must begin to serve."""
_LONGEST_BACK_OFF: Final = 30.0
_NEVER_CHOSEN: Final = 2**31 - 1
GRACE: Final = 1.0
"""Seconds a worker gets past the shutdown timeout to log that it gave up, before it is killed."""
_POLL_INTERVAL: Final = 0.25
"""Seconds at most between two looks at the workers."""
_LONGEST_LOOK: Final = 0.5
"""Seconds between two looks that count at most. In a longer pause, such as Ctrl-Z or a machine with too much to do, the
workers may have stood still like their parent."""
_STOP_SILENCE: Final = 2.0
"""While stopping: seconds without a heartbeat after which a worker that is waited for is stuck."""


def run(
    create_handlers: Callable[[], Handlers],
    listener: socket.socket,
    *,
    workers: int,
    threads: int,
    shutdown_timeout: float,
    worker_timeout: float = 10.0,
    on_ready: Callable[[], None] = lambda: None,
    supervise: Callable[[], None] | None = None,
) -> int:
    """Serve until told to stop; the exit status of the process.

    `create_handlers` is called once in each worker, after the fork: threads and connections it makes are
    the worker's own. `on_ready` is called once, in the calling process, when every worker accepts.
    The calling process must have no other thread, or the fork may copy a lock that no thread of the child releases.

    A worker without a heartbeat for `worker_timeout` seconds is killed and replaced. `supervise` is called in the
    calling process several times a second, and must return at once. If it raises, the workers are stopped, and the
    status is 1.

    SIGTERM and SIGINT: stop accepting, finish what was begun, 0; 1 when work had to be abandoned after
    `shutdown_timeout` seconds. A second one, a second or more later, ends at once, with 1. SIGHUP is ignored.
    """
    if workers > 1 or supervise is not None:
        return _Parent(
            create_handlers,
            listener,
            workers=workers,
            threads=threads,
            shutdown_timeout=shutdown_timeout,
            worker_timeout=worker_timeout,
            on_ready=on_ready,
            supervise=supervise or (lambda: None),
        ).run()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        handlers = create_handlers()
    except Exception as ex:
        logger.error("the application cannot be made: %s", one_line(ex))
        return 1
    return serve(handlers, listener, threads=threads, shutdown_timeout=shutdown_timeout, on_ready=on_ready)


class _Parent:
    """Keeps the workers; serves nothing, has no thread."""

    def __init__(
        self,
        create_handlers: Callable[[], Handlers],
        listener: socket.socket,
        *,
        workers: int,
        threads: int,
        shutdown_timeout: float,
        worker_timeout: float,
        on_ready: Callable[[], None],
        supervise: Callable[[], None],
    ) -> None:
        self._create_handlers = create_handlers
        self._listener = listener
        self._count = workers
        self._threads = threads
        self._shutdown_timeout = shutdown_timeout
        self._worker_timeout = worker_timeout
        self._on_ready = on_ready
        self._supervise = supervise
        self._workers: list[Child] = []
        shared = memoryview(mmap.mmap(-1, 8 * workers)).cast("i")
        self._counts, self._beats = shared[:workers], shared[workers:]
        self._selector = selectors.PollSelector()
        self._stops = StopSignals()
        self._early_ends = 0
        self._next_start = 0.0
        self._looked_at = time.monotonic()

    def run(self) -> int:
        # Only this process holds the write end of `life`: it is closed when the process ends, and the workers see that.
        self._life = os.pipe()
        self._wake = os.pipe()
        for end in self._wake:
            os.set_blocking(end, False)
        self._selector.register(self._wake[0], selectors.EVENT_READ)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, frame: self._stops.count())
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.set_wakeup_fd(self._wake[1], warn_on_full_buffer=False)
        gc.collect()
        gc.freeze()
        try:
            return self._keep() if self._start() else 1
        finally:
            self._kill_all()

    def _start(self) -> bool:
        """Fork all workers; whether they came up, or were stopped before they had."""
        for _ in range(self._count):
            self._fork()
        while not self._stops.number and not all(worker.ready for worker in self._workers):
            self._wait(_POLL_INTERVAL)
            self._kill_stuck()
            for worker, status in self._take_dead():
                if not worker.ready:
                    logger.error("no worker can start: %s", worker.failure or f"one ended with status {status}")
                    return False
                self._plan_replacement(worker, status)
        if not self._stops.number:
            self._on_ready()
        return True

    def _keep(self) -> int:
        while not self._stops.number:
            missing = self._count - len(self._workers)
            if missing and time.monotonic() >= self._next_start:
                self._fork()
                continue
            self._wait(min(self._next_start - time.monotonic(), _POLL_INTERVAL) if missing else _POLL_INTERVAL)
            self._kill_stuck()
            for worker, status in self._take_dead():
                self._plan_replacement(worker, status)
            try:
                self._supervise()
            except Exception as ex:
                logger.error("stopping: %s", ex)
                self._end()
                return 1
        return self._end()

    def _plan_replacement(self, worker: Child, status: int) -> None:
        served = worker.served
        self._early_ends = 0 if worker.ready and served >= STABLE_AFTER else self._early_ends + 1
        pause = min(2.0 ** (self._early_ends - 2), _LONGEST_BACK_OFF) if self._early_ends > 1 else 0.0
        self._next_start = time.monotonic() + pause
        reason = worker.failure or f"status {status}, served for {served:.1f} s"
        logger.warning("worker %d ended (%s): another one in %.0f s", worker.pid, reason, pause)

    def _kill_stuck(self) -> None:
        """Kill the workers without a heartbeat."""
        now = time.monotonic()
        seconds = min(now - self._looked_at, _LONGEST_LOOK)
        self._looked_at = now
        for worker in self._workers:
            worker.take_beats(self._beats[worker.slot], seconds)
            if worker.silent > (self._worker_timeout if worker.ready else START_TIMEOUT):
                worker.kill()

    def _end(self) -> int:
        """Signal all workers and wait; those left at the deadline, or at a second stop, are killed."""
        reject_new_connections(self._listener)
        self._listener.close()
        for worker in self._workers:
            os.kill(worker.pid, signal.SIGTERM)
        began = time.monotonic()
        unclean = 0
        while self._workers and self._stops.number < 2 and self._shutdown_left(began) > 0:
            self._wait(min(self._shutdown_left(began), _POLL_INTERVAL))
            for worker, status in self._take_dead():
                # A worker without a signal handler has had no request yet.
                unclean += status != 0 and not worker.killed and not (status == -signal.SIGTERM and not worker.ready)
            self._kill_last_if_stuck()
        if self._workers:
            logger.error("%d workers killed before they had finished", len(self._workers))
        return 1 if self._workers or unclean else 0

    def _shutdown_left(self, began: float) -> float:
        return began + self._shutdown_timeout + GRACE - time.monotonic()

    def _kill_last_if_stuck(self) -> None:
        """Kill the workers that are left if all of them are stuck: they have nothing that could still be finished."""
        self._kill_stuck()
        if all(worker.silent > _STOP_SILENCE for worker in self._workers):
            for worker in self._workers:
                worker.kill()

    def _wait(self, timeout: float) -> None:
        """Wait until a worker writes or ends, a signal comes, or `timeout` seconds have passed."""
        for key, _ in self._selector.select(max(timeout, 0.0)):
            received = os.read(key.fd, 4096)
            if isinstance(key.data, Child):
                self._take_report(key.data, received)

    def _take_dead(self) -> list[tuple[Child, int]]:
        """Workers that have ended since the last call, with their exit statuses."""
        dead = []
        for worker in list(self._workers):
            pid, wait_status = os.waitpid(worker.pid, os.WNOHANG)
            if not pid:
                continue
            if worker.pipe >= 0:
                self._take_report(worker, os.read(worker.pipe, 4096))
            self._workers.remove(worker)
            # No other worker is to leave connections to it.
            self._counts[worker.slot] = _NEVER_CHOSEN
            dead.append((worker, os.waitstatus_to_exitcode(wait_status)))
        return dead

    def _take_report(self, worker: Child, report: bytes) -> None:
        self._selector.unregister(worker.pipe)
        worker.take_report(report)

    def _kill_all(self) -> None:
        for worker in self._workers:
            os.kill(worker.pid, signal.SIGKILL)
        for worker in self._workers:
            os.waitpid(worker.pid, 0)

    def _fork(self) -> None:
        pipe, report = os.pipe()
        slot = min(set(range(self._count)) - {worker.slot for worker in self._workers})
        self._counts[slot] = self._beats[slot] = 0
        group = WorkerGroup(self._life[0], self._counts, self._beats, slot)
        foreign = [pipe, *self._own_descriptors()]
        # Blocked until the child has handlers of its own: in the child the parent's would ignore a stop.
        signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
        pid = os.fork()
        if not pid:
            work(
                self._create_handlers,
                self._listener,
                group,
                report,
                foreign=foreign,
                threads=self._threads,
                shutdown_timeout=self._shutdown_timeout,
            )
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
        os.close(report)
        worker = Child(pid, slot, pipe)
        self._workers.append(worker)
        self._selector.register(pipe, selectors.EVENT_READ, worker)

    def _own_descriptors(self) -> list[int]:
        """Those that a worker must not keep open."""
        pipes = [worker.pipe for worker in self._workers if worker.pipe >= 0]
        return [self._life[1], *self._wake, *pipes]

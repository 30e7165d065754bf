"""Processes: a parent that binds, forks WORKERS serving processes and keeps that many alive.

This module starts, replaces and stops the processes; what a worker does with the listening socket is in loop.py.
With one worker there is no parent: the process serves itself.
"""

from __future__ import annotations

import gc
import logging
import mmap
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

from api.server.handlers import Handlers
from api.server.listener import WorkerGroup, listen, reject_new_connections
from api.server.loop import serve

__all__ = ["listen", "run"]

logger = logging.getLogger("api.server")

_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_HANDLED: Final = (*_STOP_SIGNALS, signal.SIGCHLD, signal.SIGHUP)
STABLE_AFTER: Final = 10.0
"""Seconds after which a worker's end says nothing of the next one's, which then starts without a pause."""
_LONGEST_BACK_OFF: Final = 30.0
_READY: Final = b"ready"
_NEVER_CHOSEN: Final = 2**31 - 1
_GRACE: Final = 1.0
"""Seconds a worker gets past the shutdown timeout to log that it gave up, before it is killed."""


def run(
    create_handlers: Callable[[], Handlers],
    listener: socket.socket,
    *,
    workers: int,
    threads: int,
    shutdown_timeout: float,
    on_ready: Callable[[], None] = lambda: None,
) -> int:
    """Serve until told to stop; the exit status of the process.

    `create_handlers` is called once in each worker, after the fork: threads and connections it makes are
    the worker's own. `on_ready` is called once, in the calling process, when every worker accepts.
    The calling process must have no other thread, or the fork may copy a lock that no thread of the child releases.

    SIGTERM and SIGINT: stop accepting, finish what was begun, 0; 1 when work had to be abandoned after
    `shutdown_timeout` seconds. A second one ends at once, with 1. SIGHUP is ignored.
    """
    if workers > 1:
        return _Parent(
            create_handlers,
            listener,
            workers=workers,
            threads=threads,
            shutdown_timeout=shutdown_timeout,
            on_ready=on_ready,
        ).run()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        handlers = create_handlers()
    except Exception as ex:
        logger.error("the application cannot be made: %s", _one_line(ex))
        return 1
    return serve(handlers, listener, threads=threads, shutdown_timeout=shutdown_timeout, on_ready=on_ready)


def _one_line(ex: Exception) -> str:
    return " ".join(f"{type(ex).__name__}: {ex}".split())


@dataclass
class _Worker:
    """One child, as its parent knows it."""

    pid: int
    slot: int
    """Its index in the table of connection counts."""
    pipe: int
    """It writes here that it accepts, or why it cannot; -1 once that is read."""
    started: float
    ready: bool = False
    failure: str = ""


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
        on_ready: Callable[[], None],
    ) -> None:
        self._create_handlers = create_handlers
        self._listener = listener
        self._count = workers
        self._threads = threads
        self._shutdown_timeout = shutdown_timeout
        self._on_ready = on_ready
        self._workers: list[_Worker] = []
        self._counts = memoryview(mmap.mmap(-1, 4 * workers)).cast("i")
        self._selector = selectors.DefaultSelector()
        self._stops = 0
        self._early_ends = 0
        self._next_start = 0.0

    def run(self) -> int:
        # Only this process holds the write end of `life`: it is closed when the process ends, and the workers see that.
        self._life = os.pipe()
        self._wake = os.pipe()
        for end in self._wake:
            os.set_blocking(end, False)
        self._selector.register(self._wake[0], selectors.EVENT_READ)
        for number in _STOP_SIGNALS:
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.set_wakeup_fd(self._wake[1], warn_on_full_buffer=False)
        gc.collect()
        gc.freeze()
        try:
            return self._keep() if self._start() else 1
        finally:
            self._kill_all()

    def _stop(self, number: int, frame: object) -> None:
        self._stops += 1

    def _start(self) -> bool:
        """Fork all workers; whether they came up, or were stopped before they had."""
        for _ in range(self._count):
            self._fork()
        while not self._stops and not all(worker.ready for worker in self._workers):
            self._wait(None)
            for worker, status in self._take_dead():
                if not worker.ready:
                    logger.error("no worker can start: %s", worker.failure or f"one ended with status {status}")
                    return False
                self._plan_replacement(worker, status)
        if not self._stops:
            self._on_ready()
        return True

    def _keep(self) -> int:
        while not self._stops:
            missing = self._count - len(self._workers)
            if missing and time.monotonic() >= self._next_start:
                self._fork()
                continue
            self._wait(self._next_start - time.monotonic() if missing else None)
            for worker, status in self._take_dead():
                self._plan_replacement(worker, status)
        return self._end()

    def _plan_replacement(self, worker: _Worker, status: int) -> None:
        lived = time.monotonic() - worker.started
        self._early_ends = 0 if lived >= STABLE_AFTER else self._early_ends + 1
        pause = min(2.0 ** (self._early_ends - 2), _LONGEST_BACK_OFF) if self._early_ends > 1 else 0.0
        self._next_start = time.monotonic() + pause
        reason = worker.failure or f"status {status} after {lived:.1f} s"
        logger.warning("worker %d ended (%s): another one in %.0f s", worker.pid, reason, pause)

    def _end(self) -> int:
        """Signal all workers and wait; those left at the deadline, or at a second stop, are killed."""
        reject_new_connections(self._listener)
        self._listener.close()
        for worker in self._workers:
            os.kill(worker.pid, signal.SIGTERM)
        deadline = time.monotonic() + self._shutdown_timeout + _GRACE
        unclean = 0
        while self._workers and self._stops < 2 and (left := deadline - time.monotonic()) > 0:
            self._wait(left)
            for worker, status in self._take_dead():
                # A worker without a signal handler has had no request yet.
                unclean += status != 0 and not (status == -signal.SIGTERM and not worker.ready)
        if self._workers:
            logger.error("%d workers killed before they had finished", len(self._workers))
        return 1 if self._workers or unclean else 0

    def _wait(self, timeout: float | None) -> None:
        """Wait until a worker writes or ends, a signal comes, or `timeout` seconds have passed."""
        for key, _ in self._selector.select(None if timeout is None else max(timeout, 0.0)):
            received = os.read(key.fd, 4096)
            if isinstance(key.data, _Worker):
                self._take_report(key.data, received)

    def _take_dead(self) -> list[tuple[_Worker, int]]:
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

    def _take_report(self, worker: _Worker, report: bytes) -> None:
        worker.ready = report == _READY
        worker.failure = "" if worker.ready else report.decode()
        self._selector.unregister(worker.pipe)
        os.close(worker.pipe)
        worker.pipe = -1

    def _kill_all(self) -> None:
        for worker in self._workers:
            os.kill(worker.pid, signal.SIGKILL)
        for worker in self._workers:
            os.waitpid(worker.pid, 0)

    def _fork(self) -> None:
        pipe, report = os.pipe()
        slot = min(set(range(self._count)) - {worker.slot for worker in self._workers})
        self._counts[slot] = 0
        # Blocked until the child has handlers of its own: in the child the parent's would ignore a stop.
        signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
        pid = os.fork()
        if not pid:
            os.close(pipe)
            self._work(slot, report)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
        os.close(report)
        worker = _Worker(pid, slot, pipe, time.monotonic())
        self._workers.append(worker)
        self._selector.register(pipe, selectors.EVENT_READ, worker)

    def _work(self, slot: int, report: int) -> NoReturn:
        """The child, to its end: nothing of the parent's runs in it, exit handlers included."""
        status = 1
        try:
            self._leave_parent_behind()
            status = self._serve(slot, report)
        except Exception:
            logger.exception("worker failed")
        finally:
            # An exception from a flush must not unwind into the parent's code, which kills the other workers.
            try:
                logging.shutdown()
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(status)

    def _serve(self, slot: int, report: int) -> int:
        try:
            handlers = self._create_handlers()
        except Exception as ex:
            os.write(report, _one_line(ex).encode()[:4000])
            return 1

        def ready() -> None:
            os.write(report, _READY)
            os.close(report)

        return serve(
            handlers,
            self._listener,
            threads=self._threads,
            shutdown_timeout=self._shutdown_timeout,
            on_ready=ready,
            group=WorkerGroup(self._life[0], self._counts, slot),
        )

    def _leave_parent_behind(self) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # A terminal's Ctrl-C reaches the whole process group; the parent sends SIGTERM for it.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
        self._selector.close()
        for end in (self._life[1], *self._wake, *(w.pipe for w in self._workers if w.pipe >= 0)):
            os.close(end)

"""One worker process, from its fork to its end. Its parent is in workers.py."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

from api.server.handlers import Handlers
from api.server.listener import WorkerGroup
from api.server.loop import serve

logger = logging.getLogger("api.server")

READY: Final = b"ready"
HANDLED: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP)
"""The signals that a parent handles, and blocks until its child has handlers of its own."""


def work(
    create_handlers: Callable[[], Handlers],
    listener: socket.socket,
    group: WorkerGroup,
    report: int,
    *,
    foreign: Sequence[int],
    threads: int,
    shutdown_timeout: float,
) -> NoReturn:
    """Serve, then end the process: nothing of the parent's runs in it, exit handlers included.

    The descriptor `report` gets READY, or the reason why the worker cannot serve. `foreign` are the parent's
    descriptors, to be closed.
    """
    status = 1
    try:
        _replace_signal_handlers()
        for descriptor in foreign:
            os.close(descriptor)
        status = _serve(create_handlers, listener, group, report, threads=threads, shutdown_timeout=shutdown_timeout)
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


def one_line(ex: Exception) -> str:
    """An exception as one line of the log."""
    return " ".join(f"{type(ex).__name__}: {ex}".split())


def _serve(
    create_handlers: Callable[[], Handlers],
    listener: socket.socket,
    group: WorkerGroup,
    report: int,
    *,
    threads: int,
    shutdown_timeout: float,
) -> int:
    try:
        handlers = create_handlers()
    except Exception as ex:
        os.write(report, one_line(ex).encode()[:4000])
        return 1

    def ready() -> None:
        # Without a parent nobody reads it, and the server stops.
        with contextlib.suppress(BrokenPipeError):
            os.write(report, READY)
        os.close(report)

    return serve(handlers, listener, threads=threads, shutdown_timeout=shutdown_timeout, on_ready=ready, group=group)


def _replace_signal_handlers() -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # A terminal's Ctrl-C reaches the whole process group; the parent sends SIGTERM for it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)

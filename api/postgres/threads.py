"""Starts threads in a process that may lack threads or memory."""

from __future__ import annotations

import _thread
import sys
import threading
from collections.abc import Callable
from typing import Final

START_TIMEOUT: Final = 1.0
"""Seconds within which a new thread must run."""


def start_thread(target: Callable[..., object], *arguments: object) -> bool:
    """Run `target` in a daemon thread. False if that is impossible: `target` is then never called.

    `Thread.start()` would wait for ever for a thread that runs out of memory before its first line
    (https://github.com/python/cpython/issues/140746).
    """
    running = threading.Event()
    decision = threading.Lock()

    def run() -> None:
        if decision.acquire(blocking=False):
            running.set()
            # Coverage and debuggers set it, but only `threading` passes it on to new threads.
            sys.settrace(threading.gettrace())
            target(*arguments)

    try:
        _thread.start_new_thread(run, ())
    except (RuntimeError, MemoryError):
        return False
    return running.wait(START_TIMEOUT) or not decision.acquire(blocking=False)


def require_thread(target: Callable[..., object], *arguments: object) -> None:
    """The same for a thread that its process cannot do without. Raises RuntimeError if that is impossible."""
    if not start_thread(target, *arguments):
        raise RuntimeError("no thread can be started: the process lacks memory, or its system allows no more")

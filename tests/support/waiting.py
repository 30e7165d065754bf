"""Waits for a condition that another thread or process makes true."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

WAIT_TIMEOUT = 60.0
"""Seconds after which a test gives up on something that should happen at once; a busy machine stands still for some."""


def wait_until(condition: Callable[[], T | None], what: str = "the condition", timeout: float = WAIT_TIMEOUT) -> T:
    """Wait for a true value of the condition and return it; AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        # Before the condition: this process itself may stand still until after the deadline.
        is_late = time.monotonic() >= deadline
        if value := condition():
            return value
        assert not is_late, f"not within {timeout} s: {what}"
        time.sleep(0.01)


def seconds_of(call: Callable[[], object]) -> float:
    """How long the call takes."""
    start = time.monotonic()
    call()
    return time.monotonic() - start

"""Waits for a condition that another thread or process makes true."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

WAIT_TIMEOUT = 30.0
"""Seconds after which a test gives up on something that should happen at once, also on a machine that is busy."""


def wait_until(condition: Callable[[], T | None], what: str = "the condition", timeout: float = WAIT_TIMEOUT) -> T:
    """Wait for a true value of the condition and return it; AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {timeout} s: {what}"
        time.sleep(0.01)
    return value


def seconds_of(call: Callable[[], object]) -> float:
    """How long the call takes."""
    start = time.monotonic()
    call()
    return time.monotonic() - start

"""Waiting for something that another thread or process does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds after which a test stops waiting for something that should happen at once."""


def wait_until(condition: Callable[[], T | None], what: str = "the condition", patience: float = PATIENCE) -> T:
    """The condition's value as soon as it is true; AssertionError after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {patience} s: {what}"
        time.sleep(0.01)
    return value

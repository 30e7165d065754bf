"""Counts the signals that ask a process to stop."""

from __future__ import annotations

import time
from typing import Final

REPEAT_WINDOW: Final = 1.0
"""Seconds within which a further signal is the same one: `timeout`, and a terminal, signal a process and its group."""


class StopSignals:
    """How often the process was asked to stop. `count` is a signal handler's to call."""

    def __init__(self) -> None:
        self.number = 0
        self._counted = float("-inf")

    def count(self) -> None:
        """Count a signal, unless it repeats the one before."""
        now = time.monotonic()
        if now - self._counted > REPEAT_WINDOW:
            self._counted = now
            self.number += 1

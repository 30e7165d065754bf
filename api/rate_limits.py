"""How often somebody may call: the `limits` library's sliding windows, in memory or in Redis, and their headers.

Redis that does not answer lets requests pass: a limit is there to be fair, not to cause an outage.
"""

from __future__ import annotations

import logging
import math
import time
from typing import Any, Final, NamedTuple

from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from api.rate_limit_memory import SweptMemoryStorage

logger = logging.getLogger("api.rate_limits")

PAUSE_AFTER_FAILURE: Final = 5.0
"""Seconds in which a storage that failed is not asked again, so that no request waits for it."""

STORAGE_TIMEOUT: Final = 0.25
"""Seconds that Redis has to connect, and to answer."""


class Allowance(NamedTuple):
    """What is left of a window after a call: `reset` is in whole seconds."""

    allowed: bool
    remaining: int
    reset: int


class RateLimit:
    """One limit for many callers; `name` is the policy's name in the headers."""

    def __init__(self, name: str, rate: str, storage: Any) -> None:
        self.item: RateLimitItem = parse(rate)
        self.name = name
        self.policy = f'"{name}";q={self.item.amount};w={self.item.get_expiry()}'
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._silent_until = 0.0

    def take(self, caller: str) -> Allowance | None:
        """Count one call; None where the storage cannot be reached, which lets the call pass."""
        if time.monotonic() < self._silent_until:
            return None
        try:
            allowed = self._limiter.hit(self.item, self.name, caller)
            window = self._limiter.get_window_stats(self.item, self.name, caller)
        except StorageError as ex:
            self._silent_until = time.monotonic() + PAUSE_AFTER_FAILURE
            logger.warning("rate limit storage unavailable, requests pass: %s", type(ex.storage_error).__name__)
            return None
        reset = max(1, math.ceil(window.reset_time - time.time()))
        return Allowance(allowed, max(0, window.remaining), min(reset, self.item.get_expiry()))


def connect_storage(uri: str) -> Any:
    """The storage that RATE_LIMIT_STORAGE names; connects on first use, never here."""
    if uri == "memory":
        return SweptMemoryStorage()
    return storage_from_string(
        uri,
        wrap_exceptions=True,
        socket_timeout=STORAGE_TIMEOUT,
        socket_connect_timeout=STORAGE_TIMEOUT,
    )

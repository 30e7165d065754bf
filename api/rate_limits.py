"""Rate limits: the `limits` library's sliding windows, in memory or in Redis.

Task calls pass while Redis does not respond, because a limit must not cause an outage. A limit that guards passwords
falls back to the memory of the process. middleware.py sets the header fields.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
import weakref
from typing import Any, Final, NamedTuple

from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

logger = logging.getLogger("api.rate_limits")

PAUSE_AFTER_FAILURE: Final = 5.0
"""Seconds for which a storage that failed is not tried again, so that no request waits for it."""

STORAGE_TIMEOUT: Final = 0.25
"""Seconds for Redis to accept a connection, and to respond."""

SWEEP_INTERVAL: Final = 10.0
"""Seconds between two removals of expired counters, which no longer count."""


_paused_until: Final[weakref.WeakKeyDictionary[Any, float]] = weakref.WeakKeyDictionary()
"""When a storage that failed is tried again: all limits share its pause."""


class Allowance(NamedTuple):
    """The calls that remain in a window. `reset` is in whole seconds."""

    allowed: bool
    remaining: int
    reset: int


class RateLimit:
    """One limit for many callers. `name` is the policy's name in the header fields."""

    def __init__(self, name: str, rate: str | RateLimitItem, storage: Any) -> None:
        self.item: RateLimitItem = parse(rate) if isinstance(rate, str) else rate
        self.name = name
        self.policy = f'"{name}";q={self.item.amount};w={self.item.get_expiry()}'
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._storage = storage

    def take(self, caller: str) -> Allowance | None:
        """Count one call. None if the storage does not respond: the call then passes."""
        if self._is_paused():
            return None
        try:
            allowed = self._limiter.hit(self.item, self.name, caller)
            window = self._limiter.get_window_stats(self.item, self.name, caller)
        except StorageError as ex:
            _paused_until[self._storage] = time.monotonic() + PAUSE_AFTER_FAILURE
            logger.warning(
                "rate limit storage unavailable, requests pass, and log-ins count in each process: %s",
                type(ex.storage_error).__name__,
            )
            return None
        reset = max(1, math.ceil(window.reset_time - time.time()))
        return Allowance(allowed, max(0, window.remaining), min(reset, self.item.get_expiry()))

    def give_back(self, caller: str) -> None:
        """Take back one call that was counted."""
        if self._is_paused():
            return
        with contextlib.suppress(StorageError):
            self._limiter.hit(self.item, self.name, caller, cost=-1)

    def _is_paused(self) -> bool:
        return time.monotonic() < _paused_until.get(self._storage, 0.0)


class StrictRateLimit:
    """A limit that holds while the storage does not respond, by counters in the memory of this process.

    The process counts there all the time, so that a failure of the storage forgets nothing. It may use one of `shares`
    parts of the limit, at least one call: as many processes as that together stay within it. `times` multiplies `rate`.
    """

    def __init__(self, name: str, rate: str, storage: Any, *, times: int = 1, shares: int = 1) -> None:
        rated = parse(rate)
        total = type(rated)(rated.amount * times, rated.multiples)
        share = type(rated)(max(1, total.amount // shares), rated.multiples)
        is_shared = not isinstance(storage, SweptMemoryStorage)
        self._own = RateLimit(name, share, SweptMemoryStorage() if is_shared else storage)
        self._shared = RateLimit(name, total, storage) if is_shared else None
        self.reported = self._shared or self._own
        """The limit whose policy the header fields name."""

    def take(self, caller: str) -> Allowance:
        """Count one call."""
        own = self._own.take(caller)
        assert own is not None  # memory does not fail
        shared = self._shared.take(caller) if self._shared else None
        return shared or own

    def give_back(self, caller: str) -> None:
        """Take back one call that was counted."""
        self._own.give_back(caller)
        if self._shared:
            self._shared.give_back(caller)


def connect_storage(uri: str) -> Any:
    """Create the storage that RATE_LIMIT_STORAGE names. It connects on first use."""
    if uri == "memory":
        return SweptMemoryStorage()
    return storage_from_string(
        uri,
        wrap_exceptions=True,
        socket_timeout=STORAGE_TIMEOUT,
        socket_connect_timeout=STORAGE_TIMEOUT,
    )


class SweptMemoryStorage(MemoryStorage):
    """Counters of one process. A thread removes the expired ones.

    The library scans all counters a hundred times a second, and starts a thread for each scan. With a hundred
    thousand callers that takes most of a core.
    """

    def __init__(self) -> None:
        super().__init__()
        self.timer.cancel()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        # The thread starts with the first call, because no thread may run when processes are forked. The library
        # starts a timer if the last one has ended. This one never ends.
        if not isinstance(self.timer, _Sweeper):
            self.timer = _Sweeper(self)
            self.timer.start()
        return super().incr(key, expiry, amount)

    def sweep(self) -> None:
        """Remove the expired counters."""
        now = time.time()
        for key, expires_at in self.expirations.copy().items():
            if expires_at <= now:
                # To read an expired counter removes it.
                self.get(key)


class _Sweeper(threading.Timer):
    """Sweeps until the storage is garbage-collected."""

    def __init__(self, storage: SweptMemoryStorage) -> None:
        super().__init__(SWEEP_INTERVAL, lambda: None)
        self.name = "rate-limit-sweeper"
        self.daemon = True
        self._storage = weakref.ref(storage)

    def run(self) -> None:
        while not self.finished.wait(self.interval):
            storage = self._storage()
            if storage is None:
                return
            storage.sweep()
            del storage

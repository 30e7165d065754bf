"""The `limits` library's memory, swept now and then. By itself it looks through all callers a hundred times a second
and starts a thread for each look, which takes most of a core once a hundred thousand people have called.
"""

from __future__ import annotations

import threading
import time
import weakref
from typing import Final

from limits.storage import MemoryStorage

SWEEP_INTERVAL: Final = 10.0
"""Seconds between two looks for windows that are over; until then they are kept, but count no more."""


class SweptMemoryStorage(MemoryStorage):
    """Counters of one process; a thread of its own forgets the old ones."""

    def __init__(self) -> None:
        super().__init__()
        self.timer.cancel()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        # Not before the first call, for no thread may run where processes are forked. The library starts a timer for a
        # sweep wherever the last one has ended; this one never does.
        if not isinstance(self.timer, _Sweeper):
            self.timer = _Sweeper(self)
            self.timer.start()
        return super().incr(key, expiry, amount)

    def sweep(self) -> None:
        """Forget the counters whose windows are over."""
        now = time.time()
        for key, expires_at in self.expirations.copy().items():
            if expires_at <= now:
                # Reading a counter forgets it where its time is up.
                self.get(key)


class _Sweeper(threading.Timer):
    """Sweeps until the storage is gone."""

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

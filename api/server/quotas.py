"""How much of a worker one caller's requests take at the same time: requests that run, and memory.

A request that must wait for its turn keeps no thread meanwhile. Which caller a request has, and its quota, the
application says (`Handlers.quota_of`).
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from time import monotonic
from typing import Any, Final, Generic, NamedTuple, TypeVar

T = TypeVar("T")

WORKER_MEMORY: Final = 64 * 1024 * 1024
"""Bytes of request bodies and unsent responses that a worker holds for all callers together."""

REFUSAL: Final = "server.refusal"
"""The key in the WSGI environment of a request that its quota does not allow; the value is a `Refusal`."""


class Refusal(Enum):
    """Why a request must not run."""

    BUSY = "too many requests of the caller run and wait"
    MEMORY = "the caller's requests hold too much memory"
    WORKER_MEMORY = "all requests together hold too much memory"


class Quota(NamedTuple):
    """What one caller's requests may take. Requests with the same key share it."""

    key: str
    running: int = sys.maxsize
    waiting: int = 0
    """Requests that may wait for their turn, for `timeout` seconds at most."""
    timeout: float = 1.0
    memory_key: str = ""
    memory: int = WORKER_MEMORY
    """Bytes of bodies and unsent responses that the requests with the same `memory_key` hold."""


@dataclass(slots=True, eq=False)
class Admission:
    """What one connection's present request takes of its quota."""

    connection: Any
    quota: Quota | None = None
    """None: the request has none, or is not known yet."""
    runs: bool = False
    begun: bool = False
    """Whether it has run before: then it is not refused any more."""
    refusal: Refusal | None = None
    until: float = 0.0
    held: int = 0


@dataclass(slots=True)
class _Caller:
    running: int = 0
    queue: deque[Admission] = field(default_factory=deque)


class Quotas:
    """The quotas of one worker. `resume` is called, from any thread, with a connection whose wait has ended."""

    def __init__(self, resume: Callable[[Any], None]) -> None:
        self._resume = resume
        self._lock = threading.Lock()
        self._callers: dict[str, _Caller] = {}
        self._held: dict[str, int] = {}
        self._total = 0

    def enter(self, admission: Admission) -> bool:
        """Let a request run, or refuse it. False if it is queued: then another thread may have it already."""
        quota = _quota_of(admission)
        with self._lock:
            if not admission.begun and self._held.get(quota.memory_key, 0) > quota.memory:
                admission.refusal = Refusal.MEMORY
                return True
            caller = self._callers.setdefault(quota.key, _Caller())
            if caller.running < quota.running:
                caller.running += 1
                admission.runs = admission.begun = True
                return True
            if not admission.begun and sum(not each.begun for each in caller.queue) >= quota.waiting:
                admission.refusal = Refusal.BUSY
                return True
            admission.until = monotonic() + quota.timeout
            caller.queue.append(admission)
            return False

    def leave(self, admission: Admission) -> None:
        """A request no longer runs. The next one in the queue does."""
        quota = _quota_of(admission)
        with self._lock:
            caller = self._callers[quota.key]
            following = _pass_turn(caller, admission)
            if not caller.running:
                del self._callers[quota.key]
        if following is not None:
            self._resume(following.connection)

    def take_turns(self, admission: Admission) -> bool:
        """Pass the turn of a running request to the next in the queue, and queue it. False if none waits."""
        quota = _quota_of(admission)
        with self._lock:
            caller = self._callers[quota.key]
            if not caller.queue:
                return False
            following = _pass_turn(caller, admission)
            caller.queue.append(admission)
        if following is not None:
            self._resume(following.connection)
        return True

    def expire(self, now: float) -> None:
        """Refuse the requests that have waited too long. One that has begun waits as long as it must."""
        expired = []
        with self._lock:
            for caller in self._callers.values():
                for admission in [each for each in caller.queue if not each.begun and each.until < now]:
                    caller.queue.remove(admission)
                    admission.refusal = Refusal.BUSY
                    expired.append(admission)
        for admission in expired:
            self._resume(admission.connection)

    def hold(self, admission: Admission, size: int) -> Refusal | None:
        """Count `size` bytes as held by a request, in place of those counted before. Why it must not hold them."""
        quota = admission.quota or _UNLIMITED
        change = size - admission.held
        if not change:
            return None
        with self._lock:
            admission.held = size
            self._total += change
            held = self._held.get(quota.memory_key, 0) + change
            if held:
                self._held[quota.memory_key] = held
            else:
                del self._held[quota.memory_key]
            if change > 0 and held > quota.memory:
                return Refusal.MEMORY
            return Refusal.WORKER_MEMORY if change > 0 and self._total > WORKER_MEMORY else None


class TurnQueue(Generic[T]):
    """What waits for a thread because its turn has come. For an epoll, the descriptor is readable once for each."""

    def __init__(self) -> None:
        self.descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC | os.EFD_SEMAPHORE)
        self._items: deque[T] = deque()

    def put(self, item: T) -> None:
        """Give an item to any thread."""
        self._items.append(item)
        os.eventfd_write(self.descriptor, 1)

    def take(self) -> T | None:
        """An item; None if another thread has taken it."""
        try:
            os.eventfd_read(self.descriptor)
        except BlockingIOError:
            return None
        return self._items.popleft()


_UNLIMITED: Final = Quota("")


def _quota_of(admission: Admission) -> Quota:
    return admission.quota or _UNLIMITED


def _pass_turn(caller: _Caller, admission: Admission) -> Admission | None:
    """End the turn of a request; the one whose turn it is now. With the lock held."""
    admission.runs = False
    if not caller.queue:
        caller.running -= 1
        return None
    following = caller.queue.popleft()
    following.runs = following.begun = True
    return following

"""Counting callers in a process's own memory costs the same however many there are, and ends with the storage."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable

import pytest

from api import rate_limits
from api.rate_limits import SweptMemoryStorage


def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


def sweepers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "rate-limit-sweeper"]


def test_no_call_starts_a_look_at_all_callers() -> None:
    storage = SweptMemoryStorage()
    storage.incr("first", 60)
    timer = storage.timer
    for number in range(100):
        storage.incr(f"caller-{number}", 60)
    assert storage.timer is timer
    assert timer.is_alive()


def test_windows_that_are_over_are_forgotten_and_others_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "SWEEP_INTERVAL", 0.05)
    storage = SweptMemoryStorage()
    storage.incr("over", 0.01)
    storage.incr("lasting", 60)
    until(lambda: "over" not in storage.storage)
    assert (list(storage.expirations), storage.get("lasting")) == (["lasting"], 1)


def test_the_sweeping_ends_with_the_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "SWEEP_INTERVAL", 0.05)
    storage = SweptMemoryStorage()
    storage.incr("first", 60)
    thread = storage.timer
    assert thread in sweepers()
    del storage
    gc.collect()
    until(lambda: thread not in sweepers())

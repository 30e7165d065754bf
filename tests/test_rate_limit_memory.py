"""Rate limits in the memory of a process: a call takes the same time for any number of callers."""

from __future__ import annotations

import gc
import threading

import pytest

from api import rate_limits
from api.rate_limits import SweptMemoryStorage
from tests.support.waiting import wait_until


def sweepers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "rate-limit-sweeper"]


def test_no_call_scans_all_callers() -> None:
    storage = SweptMemoryStorage()
    storage.incr("first", 60)
    timer = storage.timer
    for number in range(100):
        storage.incr(f"caller-{number}", 60)
    assert storage.timer is timer
    assert timer.is_alive()


def test_expired_windows_are_removed_and_others_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "SWEEP_INTERVAL", 0.05)
    storage = SweptMemoryStorage()
    storage.incr("over", 0.01)
    storage.incr("lasting", 60)
    wait_until(lambda: list(storage.expirations) == ["lasting"])
    assert list(storage.storage) == ["lasting"]
    assert storage.get("lasting") == 1


def test_the_sweeper_thread_ends_with_the_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "SWEEP_INTERVAL", 0.05)
    storage = SweptMemoryStorage()
    storage.incr("first", 60)
    thread = storage.timer
    assert thread in sweepers()
    del storage
    gc.collect()
    wait_until(lambda: thread not in sweepers())

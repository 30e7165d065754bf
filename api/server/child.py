"""A worker process as its parent knows it: what it reported, and when its heart was last seen to beat."""

from __future__ import annotations

import logging
import os
import signal
import time
from dataclasses import dataclass

from api.server.worker import READY

logger = logging.getLogger("api.server")


@dataclass
class Child:
    """One worker process. Times are monotonic seconds."""

    pid: int
    slot: int
    """Its index in the tables that all workers share."""
    pipe: int
    """It writes here that it accepts, or why it cannot; -1 once that is read."""
    alive_at: float
    """When its last heartbeat was seen, or it was started."""
    beats: int = 0
    ready_at: float | None = None
    failure: str = ""
    killed: bool = False
    """Whether it was killed because it was stuck."""

    @property
    def ready(self) -> bool:
        """Whether it has reported that it accepts connections."""
        return self.ready_at is not None

    @property
    def served(self) -> float:
        """Seconds since it was ready."""
        return 0.0 if self.ready_at is None else time.monotonic() - self.ready_at

    @property
    def silent(self) -> float:
        """Seconds since the last sign of life. Always 0 on a server that sends no heartbeats (portable_server.py)."""
        return 0.0 if self.ready and not self.beats else time.monotonic() - self.alive_at

    def take_beats(self, beats: int, *, forgive: bool) -> None:
        """Note its number of heartbeats; with `forgive`, its silence so far does not count."""
        if forgive or beats != self.beats:
            self.beats, self.alive_at = beats, time.monotonic()

    def take_report(self, report: bytes) -> None:
        """Note what it wrote, and close the pipe."""
        if report == READY:
            self.ready_at = self.alive_at = time.monotonic()
        else:
            self.failure = report.decode()
        os.close(self.pipe)
        self.pipe = -1

    def kill(self) -> None:
        """Kill it as stuck."""
        if not self.killed:
            logger.error("worker %d is stuck: no heartbeat for %.0f s, killing it", self.pid, self.silent)
            self.killed = True
            os.kill(self.pid, signal.SIGKILL)

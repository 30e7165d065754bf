"""A worker process as its parent knows it: what it reported, and how long ago its last heartbeat was."""

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
    beats: int = 0
    silence: float = 0.0
    """Seconds since its last heartbeat, or its start, without the pauses of its parent."""
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
        """Seconds without a sign of life. Always 0 on a server that sends no heartbeats (portable_server.py)."""
        return 0.0 if self.ready and not self.beats else self.silence

    def take_beats(self, beats: int, seconds: float) -> None:
        """Note its number of heartbeats, `seconds` after the last look."""
        self.silence = 0.0 if beats != self.beats else self.silence + seconds
        self.beats = beats

    def take_report(self, report: bytes) -> None:
        """Note what it wrote, and close the pipe."""
        if report == READY:
            self.ready_at = time.monotonic()
            self.silence = 0.0
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

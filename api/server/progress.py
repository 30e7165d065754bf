"""Whether the serving threads of a process get on with their work."""

from __future__ import annotations

from api.server.connection import Connection


class Progress:
    """What each of the threads has done. A thread reports for itself; the supervising thread reads, without a lock."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._turns = [0] * threads
        """For each thread, how many events it has begun and ended: odd while it works at one."""
        self._connections: list[Connection | None] = [None] * threads
        self._seen = self._read()

    def begin(self, thread: int, connection: Connection | None) -> None:
        """The thread begins to work at an event of this connection; None for a turn that has come."""
        self._connections[thread] = connection
        self._turns[thread] += 1

    def end(self, thread: int) -> None:
        """The thread waits for an event again."""
        self._turns[thread] += 1
        self._connections[thread] = None

    def has_stopped(self) -> bool:
        """Whether all threads are at work, and none has got on since the last call."""
        seen, self._seen = self._seen, self._read()
        return seen == self._seen and all(turn % 2 for turn in self._turns)

    def _read(self) -> list[tuple[int, int]]:
        steps = (0 if connection is None else connection.steps for connection in self._connections)
        return list(zip(self._turns, steps, strict=True))

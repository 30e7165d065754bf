"""Writes log lines without ever waiting for their reader: a pipe that nobody empties must not stop a request.

Lines that the reader does not take yet are kept, up to MAX_KEPT bytes; further ones are dropped and counted.
"""

from __future__ import annotations

import os
import select
import socket
import stat
import threading
import weakref
from collections import deque
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Final

from api.postgres.threads import start_thread

MAX_KEPT: Final = 1 << 20
"""Bytes of lines that wait for the reader, in each process."""

ATOMIC: Final = 4096
"""PIPE_BUF on Linux. A pipe takes so many bytes in one piece or not at all, so processes' lines do not mix."""

POLL_INTERVAL: Final = 0.05
"""Seconds at most between two attempts to write what is kept."""


class LogOutput:
    """Lines of this process to the file, pipe, socket or terminal behind a descriptor.

    Of several threads one writes; the others leave their lines to it. So none waits, for the reader or for another.
    Errors of the descriptor are ignored: a full disk or a closed pipe fails no request.
    """

    def __init__(self, descriptor: int, on_drop: Callable[[int], None]) -> None:
        """`on_drop` is called with the number of dropped lines, once the reader takes lines again."""
        self._descriptor = descriptor
        self._send = _open(descriptor)
        self._on_drop = on_drop
        self.dropped = 0
        """Lines dropped in this process."""
        self._may_start_thread = False
        self._reset()
        reference = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _reset_after_fork(reference()))

    def write(self, line: bytes) -> None:
        """Write a line, its line end included; or keep it; or drop it."""
        with self._lock:
            if self._kept + len(line) > MAX_KEPT:
                self.dropped += 1
                return
            self._lines.append(line)
            self._kept += len(line)
        self._write_kept()

    def flush(self, timeout: float) -> None:
        """Wait until the reader has taken all lines, `timeout` seconds at most."""
        deadline = monotonic() + timeout
        while self._kept and (left := deadline - monotonic()) > 0:
            _is_writable(self._descriptor, min(left, POLL_INTERVAL))
            self._write_kept()

    def reset_after_fork(self) -> None:
        """Start anew in a forked child: the kept lines are its parent's, which has no thread to write them."""
        self._may_start_thread = True
        self.dropped = 0
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._lines: deque[bytes] = deque()
        self._kept = 0
        self._reported = 0
        self._writing = threading.Lock()
        """Held by the thread that writes."""
        self._waiting = threading.Lock()
        """Held by the thread that waits for the reader."""

    def _write_kept(self) -> None:
        # Again after the release: another thread may just have left a line to this one.
        while self._lines and self._writing.acquire(blocking=False):
            try:
                taken = self._write_some()
            finally:
                self._writing.release()
            if not taken:
                self._wait_in_a_thread()
                return
        if self._reported < self.dropped:
            self._report()

    def _report(self) -> None:
        with self._lock:
            number, self._reported = self.dropped - self._reported, self.dropped
        if number:
            self._on_drop(number)

    def _write_some(self) -> bool:
        """Write the lines in order; False if the reader takes no more now. Only for the holder of `_writing`."""
        while self._lines:
            data = self._take_piece()
            try:
                sent = self._send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                sent = len(data)
            with self._lock:
                self._kept -= sent
                if sent < len(data):
                    self._lines.appendleft(data[sent:])
                    return False
        return True

    def _take_piece(self) -> bytes:
        """The next line, and as many more as a pipe takes in one piece."""
        data = self._lines.popleft()
        while self._lines and len(data) + len(self._lines[0]) <= ATOMIC:
            data += self._lines.popleft()
        return data

    def _wait_in_a_thread(self) -> None:
        """Have a thread write the kept lines. Not before the fork: then the next line or `flush` writes them."""
        if self._may_start_thread and self._waiting.acquire(blocking=False) and not start_thread(self._wait):
            self._waiting.release()

    def _wait(self) -> None:
        try:
            while self._lines:
                _is_writable(self._descriptor, POLL_INTERVAL)
                self._write_kept()
        finally:
            self._waiting.release()


def _reset_after_fork(output: LogOutput | None) -> None:
    if output is not None:
        output.reset_after_fork()


def _open(descriptor: int) -> Callable[[bytes], int]:
    """A function that writes to what is behind the descriptor, or raises BlockingIOError.

    Not by making the descriptor itself non-blocking: it is shared with other processes, such as a terminal's shell.
    """
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return partial(os.write, descriptor)
    if stat.S_ISSOCK(mode):
        sock = socket.socket(fileno=os.dup(descriptor))
        return lambda data: sock.send(data, socket.MSG_DONTWAIT)
    try:
        own = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        # The pipe belongs to another user, or the system has no /proc.
        return partial(_write_if_ready, descriptor)
    return partial(os.write, own)


def _write_if_ready(descriptor: int, data: bytes) -> int:
    """Write to a pipe that has room for ATOMIC bytes. A process that fills it meanwhile makes this one wait."""
    if not _is_writable(descriptor, 0):
        raise BlockingIOError
    return os.write(descriptor, data[:ATOMIC])


def _is_writable(descriptor: int, timeout: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(timeout * 1000))

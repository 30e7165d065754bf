"""The progress of a long run: one line that is rewritten on a terminal, otherwise one line a step."""

from __future__ import annotations

import sys
import time


class Progress:
    """A known number of steps. The time left is estimated from the finished steps."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._done = 0
        self._begin = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def step(self, what: str) -> None:
        """Report that step `what` begins."""
        line = f"[{self._done + 1}/{self._steps}]{self._left()} {what}"
        self._write(f"\r\x1b[K{line}" if self._terminal else f"{line}\n")
        self._done += 1

    def end(self) -> None:
        """Clear the line on a terminal."""
        if self._terminal:
            self._write("\r\x1b[K")

    def _left(self) -> str:
        if self._done < 3:
            return ""
        seconds = (time.monotonic() - self._begin) / self._done * (self._steps - self._done)
        return f" {int(seconds) // 60}:{int(seconds) % 60:02d} left,"

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


class Bar:
    """A progress bar for a known amount on a terminal; otherwise one line at the end."""

    WIDTH = 40

    def __init__(self, what: str, amount: int) -> None:
        self._what = what
        self._amount = max(1, amount)
        self._begin = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def show(self, done: int) -> None:
        """Show that `done` of the amount is done."""
        if self._terminal:
            filled = "#" * (self.WIDTH * done // self._amount)
            sys.stderr.write(f"\r\x1b[K{self._what} [{filled:{self.WIDTH}}] {done:,}")
            sys.stderr.flush()

    def end(self) -> None:
        """Print one line with the amount and the time."""
        start = "\r\x1b[K" if self._terminal else ""
        seconds = time.monotonic() - self._begin
        sys.stderr.write(f"{start}{self._what}: {self._amount:,} in {seconds:.1f} s\n")

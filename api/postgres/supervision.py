"""Starts the embedded PostgreSQL again after it has ended: killed, or stopped by a full disk.

The parent of the workers must neither wait nor have a thread, so another process does it: `python -m
api.postgres.supervision DATA_DIR`. Of several services on one directory, whose processes do this at once, the first
starts the server, and the others find it running.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from time import monotonic
from typing import Final

from api.postgres.embedded import is_embedded_running, restart_embedded
from api.postgres.programs import EmbeddedError

logger: Final = logging.getLogger(__name__)

ATTEMPTS: Final = 3
"""Failed starts in a row after which a database counts as broken."""

RETRY_PAUSE: Final = 1.0
"""Seconds from the end of one start to the next, so that a server which ends at once does not keep the machine busy."""

_PROJECT: Final = Path(__file__).resolve().parents[2]


class Supervisor:
    """Watches the server of one data directory, which `start_embedded` has started in this process."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir.resolve()
        self._starting: subprocess.Popen[str] | None = None
        self._not_before = 0.0
        self._failures = 0

    def check(self) -> None:
        """Begin a start if the server has ended, and note the result of the one begun. Returns at once.

        Raises EmbeddedError, whose message is one line, after ATTEMPTS failed starts in a row.
        """
        if self._starting is not None:
            if self._starting.poll() is not None:
                self._take_result(self._starting)
        elif monotonic() >= self._not_before and not is_embedded_running(self._data_dir):
            if not self._failures:
                logger.error("the embedded database has ended: starting it again")
            self._starting = subprocess.Popen(  # noqa: S603 our own module
                [sys.executable, "-m", __name__, str(self._data_dir)],
                cwd=_PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                # A terminal's Ctrl-C is for the service alone.
                start_new_session=True,
            )

    def _take_result(self, starter: subprocess.Popen[str]) -> None:
        output = starter.communicate()[0].strip()
        self._starting = None
        self._not_before = monotonic() + RETRY_PAUSE
        if starter.returncode == 0:
            self._failures = 0
            logger.warning("the embedded database runs again (%s)", output)
            return
        self._failures += 1
        reason = " ".join(output.splitlines()[-1:]) or f"status {starter.returncode}"
        if self._failures >= ATTEMPTS:
            raise EmbeddedError(f"the embedded database cannot be started, {ATTEMPTS} attempts failed: {reason}")
        logger.error("the embedded database cannot be started, trying again: %s", reason)


def main(data_dir: Path) -> int:
    """Start the server unless it runs, and print which it was; the exit status."""
    try:
        print("started" if restart_embedded(data_dir) else "another service has started it")
    except EmbeddedError as ex:
        print(ex)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

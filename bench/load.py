"""Runs wrk with one scenario against one running service, and reads its figures."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).parent / "load.lua"
INSTALL_WRK = "wrk is not installed: apt-get install wrk (Debian, Ubuntu) or brew install wrk (macOS)"
REQUEST_TIMEOUT = 10
SPARE_DESCRIPTORS = 200


class LoadFailed(Exception):
    """wrk is missing or printed no figures. The message says what to install or what wrk printed."""


@dataclass(frozen=True)
class Measurement:
    """The figures of one run. Latencies are the clients', in milliseconds."""

    requests: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    bad_status: int
    socket_errors: int
    timeouts: int

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def errors(self) -> int:
        return self.bad_status + self.socket_errors + self.timeouts


def find_wrk() -> str:
    """The path of wrk. Raises LoadFailed."""
    path = shutil.which("wrk")
    if path is None:
        raise LoadFailed(INSTALL_WRK)
    return path


def run(origin: str, scenario: str, users_file: Path, *, connections: int, seconds: float) -> Measurement:
    """Keep `connections` connections busy for `seconds`. Raises LoadFailed."""
    _allow_descriptors(connections + SPARE_DESCRIPTORS)
    command = [
        find_wrk(), "--threads", "1", "--connections", str(connections), "--duration", f"{max(1, round(seconds))}s",
        "--timeout", f"{REQUEST_TIMEOUT}s", "--script", str(SCRIPT), origin, "--", scenario, str(users_file),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    for line in done.stdout.splitlines():
        if line.startswith('{"requests"'):
            return Measurement(**json.loads(line))
    raise LoadFailed(f"wrk printed no figures for {scenario}: {done.stdout[-500:]}{done.stderr[-500:]}")


def _allow_descriptors(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))

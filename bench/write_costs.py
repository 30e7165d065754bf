"""`python -m bench.write_costs`: what a write costs PostgreSQL, with the version before and with this one.

Both write to one server in turns, each to a database of its own with the same rows. Processor time is that of the
backend, as Linux' scheduler counts it: the 15th percentile of the turns, for a disturbance only ever adds. The WAL is
counted without images of whole pages, whose number depends on the time since the last checkpoint.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import databases, many_tasks
from bench.progress import Progress
from bench.running import StartFailed
from bench.services import ROOT
from bench.versions import BEFORE, unpack_before
from bench.write_worker import CALLS

WORKER = Path(__file__).parent / "write_worker.py"
SERVER_SETTINGS = {"full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off"}


@dataclass
class Side:
    """One version's process, and what its writes have cost so far, by their names."""

    worker: subprocess.Popen[str]
    url: str
    pid: int = 0
    writes: Sequence[str] = ()
    sizes: tuple[int, int] = (0, 0)
    microseconds: dict[str, list[float]] = field(default_factory=dict)
    wal_bytes: dict[str, list[float]] = field(default_factory=dict)

    def ask(self, line: str) -> dict[str, Any]:
        """The response of the process to a line. Raises StartFailed if it has ended."""
        assert self.worker.stdin is not None
        self.worker.stdin.write(f"{line}\n")
        self.worker.stdin.flush()
        return self.read()

    def read(self) -> dict[str, Any]:
        assert self.worker.stdout is not None
        line = self.worker.stdout.readline()
        if not line:
            raise StartFailed("a process that writes has ended, see above")
        said: dict[str, Any] = json.loads(line)
        return said

    def processor_ns(self) -> int:
        """Processor time of the backend so far."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[0])

    def turn(self, write: str, cursor: Any) -> None:
        """Have it write for a while; remember the cost of one write."""
        wal_before, before = _wal_position(cursor), self.processor_ns()
        self.ask(write)
        self.microseconds.setdefault(write, []).append((self.processor_ns() - before) / CALLS / 1000)
        self.wal_bytes.setdefault(write, []).append((_wal_position(cursor) - wal_before) / CALLS)


def main(arguments: Sequence[str]) -> int:
    """Measure and print a table; the exit status."""
    parser = argparse.ArgumentParser("python -m bench.write_costs", description=__doc__)
    parser.add_argument("--tasks", type=int, default=200_000, help="tasks of each database (200,000)")
    parser.add_argument("--turns", type=int, default=30, help=f"turns of {CALLS} calls for each write (30)")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as directory, _sides(Path(directory)) as sides:
            _measure(sides, options.tasks, options.turns)
    except StartFailed as ex:
        print(f"bench: {ex}", file=sys.stderr)
        return 1
    print("\n".join(table(sides, options.tasks)))
    return 0


@contextmanager
def _sides(directory: Path) -> Iterator[dict[str, Side]]:
    """Both versions, each with an empty database that it has migrated."""
    folders = {"before": unpack_before(directory), "after": ROOT}
    sides: dict[str, Side] = {}
    with databases.postgresql(directory / "data") as server_url:
        with databases.connection(server_url) as server, server.cursor() as cursor:
            for name, value in SERVER_SETTINGS.items():
                cursor.execute(f"ALTER SYSTEM SET {name} = {value}")
            cursor.execute("SELECT pg_reload_conf()")
        try:
            for version, folder in folders.items():
                url = databases.create_empty(server_url, version)
                # As text, so that modules are looked for in the version's folder first and not in this one.
                command = [sys.executable, "-c", WORKER.read_text(encoding="utf-8"), version, url]
                worker = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                sides[version] = Side(worker, url)
            yield sides
        finally:
            for side in sides.values():
                side.worker.terminate()
                side.worker.wait()


def _measure(sides: dict[str, Side], tasks: int, turns: int) -> None:
    for side in sides.values():
        side.read()
        with databases.connection(side.url) as connection:
            many_tasks.fill(connection, tasks=tasks)
            side.sizes = many_tasks.sizes(connection)
        ready = side.ask("")
        side.pid, side.writes = ready["pid"], ready["writes"]
    both = list(sides.values())
    progress = Progress(turns)
    with databases.connection(both[0].url) as connection, connection.cursor() as cursor:
        for turn in range(turns):
            progress.step("writes")
            for write in both[0].writes:
                for side in both if turn % 2 else reversed(both):
                    side.turn(write, cursor)
    progress.end()


def _wal_position(cursor: Any) -> int:
    cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
    return int(cursor.fetchone()[0])


def table(sides: dict[str, Side], tasks: int) -> Iterator[str]:
    """The lines of a table in Markdown."""
    before, after = sides["before"], sides["after"]
    yield f"{tasks:,} tasks; before: {BEFORE}. Processor time of the backend in µs, WAL in bytes, for one write."
    yield ""
    yield "| write | before | after | ratio | WAL before | WAL after | ratio |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for write in before.writes:
        processor = [_low(side.microseconds[write]) for side in (before, after)]
        wal = [statistics.median(side.wal_bytes[write]) for side in (before, after)]
        yield f"| {write} | {_compare(*processor)} | {_compare(*wal)} |"
    yield ""
    yield "| MB | before | after | ratio |"
    yield "| --- | ---: | ---: | ---: |"
    for name, old, new in zip(("table", "indexes"), before.sizes, after.sizes, strict=True):
        yield f"| {name} | {old / 1e6:,.1f} | {new / 1e6:,.1f} | {new / old:.2f} |"


def _compare(before: float, after: float) -> str:
    return f"{before:,.0f} | {after:,.0f} | {after / before:.2f}"


def _low(values: Sequence[float]) -> float:
    return sorted(values)[len(values) * 15 // 100]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

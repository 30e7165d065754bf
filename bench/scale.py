"""`python -m bench.scale`: latency by the number of tasks in the database, and of a list by its length.

Writes the plots docs/images/scale-total.png, scale-memory.png and scale-list.png, and prints the figures.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import databases, dataset, filling, load, plots, services
from bench.dataset import Group
from bench.load import Measurement
from bench.progress import Bar
from bench.running import Running, StartFailed, started
from bench.services import ROOT, Service

TOTALS = (1_000, 10_000, 100_000, 1_000_000)
LARGEST = 10_000_000
SCENARIOS = ("get-one", "list-of-20", "search", "create", "toggle")
LISTS = {"list-of-10": 10, "list-of-100": 100, "list-of-1000": 1_000, "list-of-10000": 10_000}
LIST_GROUPS = (
    Group("ten", 100, 10),
    Group("hundred", 100, 100),
    Group("thousand", 20, 1_000),
    Group("ten-thousand", 4, 10_000),
)
CONNECTIONS = 8
ROUNDS = 3
"""Measurements for each figure. The one with the lowest p50 counts, because disturbances only add time."""


def main(arguments: Sequence[str]) -> int:
    """Measure and plot both; the exit status."""
    parser = argparse.ArgumentParser("python -m bench.scale", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3, help="length of one measurement (3)")
    parser.add_argument("--ten-million", action="store_true", help="continue up to 10,000,000 tasks")
    parser.add_argument("--largest", type=int, default=TOTALS[-1], help="stop at this many tasks")
    parser.add_argument("--workers", type=int, default=2, help="worker processes of each service (2)")
    parser.add_argument("--no-peers", action="store_true", help="measure only the service itself")
    parser.add_argument("--images", type=Path, default=ROOT / "docs" / "images", help="directory for the plots")
    options = parser.parse_args(arguments)
    totals = [total for total in TOTALS if total <= options.largest]
    totals += [LARGEST] if options.ten_million else []
    try:
        load.find_wrk()
        peers = [] if options.no_peers else services.peers(options.workers)
        missing = [line for line in (peer.missing() for peer in peers) if line]
        if missing:
            raise StartFailed("\n".join(missing))
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            run = _Run(Path(directory), options.workers, options.seconds)
            by_total, memory = run.by_total(totals)
            by_length = run.by_length([services.ours(MAX_TASKS="0"), *peers])
    except (load.LoadFailed, StartFailed) as ex:
        print(f"bench: {ex}", file=sys.stderr)
        return 1
    options.images.mkdir(parents=True, exist_ok=True)
    plots.by_total(by_total, options.images / "scale-total.png")
    plots.memory(memory, options.images / "scale-memory.png")
    plots.by_length(by_length, options.images / "scale-list.png")
    _print(by_total, by_length)
    for total, worker in memory:
        print(f"  {total:>12,}  {worker / 2**20:6.1f} MiB, the larger worker after all scenarios")
    return 0


class _Run:
    """The parameters of both measurements: a directory for files, the workers, the seconds, a secret."""

    def __init__(self, directory: Path, workers: int, seconds: float) -> None:
        self._directory = directory
        self._workers = workers
        self._seconds = seconds
        self._secret = secrets.token_urlsafe(48)

    def by_total(self, totals: Sequence[int]) -> tuple[dict[str, list[tuple[int, Measurement]]], list[tuple[int, int]]]:
        """For each scenario the figures by number of tasks: half of users with 20 tasks, half of users with 100.

        Also the bytes of the larger worker after all scenarios.
        """
        figures: dict[str, list[tuple[int, Measurement]]] = {scenario: [] for scenario in SCENARIOS}
        memory = []
        with databases.postgresql(self._directory / "data") as server_url:
            for total in totals:
                groups = (
                    Group("twenty", total // 40, 20),
                    Group("hundred", total // 200, 100),
                    Group("creators", 1_000, 0),
                )
                with self._serving(server_url, services.ours(), f"total_{total}", groups) as running:
                    for scenario in SCENARIOS:
                        figures[scenario].append((total, self._measure(running, scenario)))
                    memory.append((total, running.memory().rss))
        return figures, memory

    def by_length(self, chosen: Sequence[Service]) -> dict[str, list[tuple[int, Measurement]]]:
        """For each service the figures of a list by its length."""
        figures: dict[str, list[tuple[int, Measurement]]] = {}
        with databases.postgresql(self._directory / "lists") as server_url:
            for service in chosen:
                name = f"length_{service.key}"
                with self._serving(server_url, service, name, LIST_GROUPS) as running:
                    figures[service.title] = [
                        (length, self._measure(running, scenario)) for scenario, length in LISTS.items()
                    ]
        return figures

    @contextmanager
    def _serving(self, server_url: str, service: Service, name: str, groups: Sequence[Group]) -> Iterator[Running]:
        url = databases.create(server_url, name, ours=service.ours)
        with databases.connection(url) as connected:
            bar = Bar(f"{name}: copying rows", dataset.count(groups))
            filling.fill(connected, service.due_column, groups, bar.show)
            bar.end()
        dataset.write_users(self._users_file, self._secret, groups)
        with started(service, url, self._secret, self._workers, self._directory) as running:
            yield running
        with databases.connection(server_url) as connected, connected.cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    @property
    def _users_file(self) -> Path:
        return self._directory / "users"

    def _measure(self, running: Running, scenario: str) -> Measurement:
        print(f"{running.service.title}: {scenario}", file=sys.stderr)
        runs = [
            load.run(running.origin, scenario, self._users_file, connections=CONNECTIONS, seconds=seconds)
            for seconds in (1, *[self._seconds] * ROUNDS)
        ]
        return min(runs[1:], key=lambda one: one.p50_ms)


def _print(
    by_total: dict[str, list[tuple[int, Measurement]]], by_length: dict[str, list[tuple[int, Measurement]]]
) -> None:
    for title, figures in (*by_total.items(), *by_length.items()):
        first = figures[0][1]
        print(title)
        for amount, one in figures:
            print(
                f"  {amount:>12,}  p50 {one.p50_ms:7.2f} ms  p95 {one.p95_ms:7.2f} ms  {one.rate:8,.0f}/s  "
                f"{one.p50_ms / first.p50_ms:5.2f} times the first  {one.errors} errors"
            )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The main table: every scenario on every service, one service at a time, all of it in two rounds.

The services stay up beside each other and idle; for each scenario they take turns, in the opposite order in the
second round, so that a machine whose speed drifts does not favour one of them.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import databases, filling, load
from bench.load import Measurement
from bench.progress import Progress
from bench.results import Cell
from bench.running import Running
from bench.scenarios import warm_up_of

SETTLE = 0.5
"""Seconds for the warm-up's connections to be gone on both sides, so that the next ones are shared out evenly."""


@dataclass(frozen=True)
class Bench:
    """What every measurement of a run shares."""

    users_file: Path
    urls: dict[str, str]
    connections: int
    seconds: float
    warm_up: float
    progress: Progress

    def measure(
        self, running: Running, scenario: str, *, connections: int | None = None, seconds: float | None = None
    ) -> tuple[Measurement, float]:
        """Warm up, run; the figures, and the seconds of processor time that the service's processes took."""
        connections = connections or self.connections
        self.prepare(running, scenario, connections)
        before = running.processor_seconds()
        measured = load.run(
            running.origin,
            scenario,
            self.users_file,
            connections=connections,
            seconds=seconds or self.seconds,
        )
        return measured, running.processor_seconds() - before

    def prepare(self, running: Running, scenario: str, connections: int) -> None:
        """Warm up, and wait until the connections of that are closed."""
        load.run(
            running.origin,
            warm_up_of(scenario),
            self.users_file,
            connections=connections,
            seconds=self.warm_up,
        )
        time.sleep(SETTLE)

    def fill(self, running: Running) -> None:
        """The same rows as before anything ran."""
        with databases.connection(self.urls[running.service.key]) as connected:
            filling.fill(connected, running.service.due_column)


def measure_all(
    bench: Bench, services: Sequence[Running], scenarios: Sequence[str], rounds: int
) -> dict[tuple[str, str], Cell]:
    """The cells by (service key, scenario)."""
    taken: dict[tuple[str, str], list[tuple[Measurement, float]]] = defaultdict(list)
    for number in range(rounds):
        for running in services:
            bench.fill(running)
        for scenario in scenarios:
            for running in services if number % 2 == 0 else reversed(services):
                bench.progress.step(f"{running.service.title}: {scenario}, round {number + 1}")
                taken[running.service.key, scenario].append(bench.measure(running, scenario))
    return {place: _cell(runs) for place, runs in taken.items()}


def compare(
    bench: Bench, services: Sequence[Running], scenario: str, rounds: int, say: Callable[[str], None]
) -> list[Cell]:
    """One scenario on each of some variants, taking turns."""
    taken: list[list[tuple[Measurement, float]]] = [[] for _ in services]
    for number in range(rounds):
        for place, running in enumerate(services):
            say(f"{running.service.title}: {scenario}, round {number + 1}")
            taken[place].append(bench.measure(running, scenario))
    return [_cell(runs) for runs in taken]


def _cell(runs: Sequence[tuple[Measurement, float]]) -> Cell:
    requests = sum(measured.requests for measured, _ in runs)
    processor = sum(seconds for _, seconds in runs)
    return Cell([measured for measured, _ in runs], processor / max(1, requests) * 1e6)

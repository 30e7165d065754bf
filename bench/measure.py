"""The main table: every scenario on every service, one service at a time, in several rounds.

All services stay up, and all but the measured one are idle. They take turns in each scenario, in reverse order in every
second round, so that a machine whose speed drifts favours no service.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench import databases, filling, load
from bench.dataset import GROUPS, Group
from bench.progress import Progress
from bench.results import Cell, Sample
from bench.running import Running
from bench.scenarios import warm_up_of

SETTLE = 0.5
"""Seconds to wait until both sides have closed the warm-up's connections, so that the next spread evenly."""


@dataclass(frozen=True)
class Bench:
    """The parameters that all measurements of a run share."""

    users_file: Path
    urls: dict[str, str]
    postmaster: psutil.Process
    connections: int
    seconds: float
    warm_up: float
    progress: Progress

    def measure(
        self, running: Running, scenario: str, *, connections: int | None = None, seconds: float | None = None
    ) -> Sample:
        """Warm up and run; the figures, and the processor time of the service and of PostgreSQL."""
        connections = connections or self.connections
        self._prepare(running, scenario, connections)
        service, database = running.processor_seconds(), databases.processor_seconds(self.postmaster)
        measured = load.run(
            running.origin,
            scenario,
            self.users_file,
            connections=connections,
            seconds=seconds or self.seconds,
        )
        service_seconds = running.processor_seconds() - service
        return Sample(measured, service_seconds, databases.processor_seconds(self.postmaster) - database)

    def _prepare(self, running: Running, scenario: str, connections: int) -> None:
        """Warm up, and wait until the warm-up's connections are closed."""
        load.run(
            running.origin,
            warm_up_of(scenario),
            self.users_file,
            connections=connections,
            seconds=self.warm_up,
        )
        time.sleep(SETTLE)

    def fill(self, running: Running, groups: Sequence[Group] = GROUPS) -> None:
        """Restore the initial rows of these groups, and delete all others."""
        with databases.connection(self.urls[running.service.key]) as connected:
            filling.fill(connected, running.service.due_column, groups)


def measure_all(
    bench: Bench, services: Sequence[Running], scenarios: Sequence[str], rounds: int
) -> dict[tuple[str, str], Cell]:
    """The cells by (service key, scenario). Calls `bench.progress.step` once for each measurement."""
    samples: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for number in range(rounds):
        for running in services:
            bench.fill(running)
        for scenario in scenarios:
            for running in services if number % 2 == 0 else reversed(services):
                bench.progress.step(
                    f"{running.service.title}: {scenario}, {bench.connections:,} connections, round {number + 1}"
                )
                samples[running.service.key, scenario].append(bench.measure(running, scenario))
    return {key: Cell(of_cell) for key, of_cell in samples.items()}


def compare(
    bench: Bench, services: Sequence[Running], scenario: str, rounds: int, report: Callable[[str], None]
) -> list[Cell]:
    """One scenario on each of several variants, which take turns."""
    samples: list[list[Sample]] = [[] for _ in services]
    for number in range(rounds):
        for running, of_service in zip(services, samples, strict=True):
            report(f"{running.service.title}: {scenario}, round {number + 1}")
            of_service.append(bench.measure(running, scenario))
    return [Cell(of_service) for of_service in samples]

"""The measurements of a run, not yet formatted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.load import Measurement
from bench.running import Memory


@dataclass(frozen=True)
class Sample:
    """One measurement, and the processor seconds of all its requests together."""

    load: Measurement
    service_seconds: float
    database_seconds: float


@dataclass(frozen=True)
class Cell:
    """One scenario on one service over all rounds. Rates and latencies are the mean of the rounds."""

    samples: Sequence[Sample]

    @property
    def requests(self) -> int:
        return sum(sample.load.requests for sample in self.samples)

    @property
    def service_us(self) -> float:
        """Processor time of the service's processes for one request, in microseconds."""
        return sum(sample.service_seconds for sample in self.samples) / max(1, self.requests) * 1e6

    @property
    def database_us(self) -> float:
        """The same of PostgreSQL's processes."""
        return sum(sample.database_seconds for sample in self.samples) / max(1, self.requests) * 1e6

    @property
    def rate(self) -> float:
        return self._mean("rate")

    @property
    def p50_ms(self) -> float:
        return self._mean("p50_ms")

    @property
    def p95_ms(self) -> float:
        return self._mean("p95_ms")

    @property
    def p99_ms(self) -> float:
        return self._mean("p99_ms")

    @property
    def errors(self) -> int:
        return sum(sample.load.errors for sample in self.samples)

    def _mean(self, name: str) -> float:
        values: list[float] = [getattr(sample.load, name) for sample in self.samples]
        return sum(values) / len(values)


@dataclass(frozen=True)
class Row:
    """A figure outside the table of scenarios."""

    title: str
    value: str


@dataclass
class Results:
    """All results of one run; cells by (service key, scenario)."""

    titles: dict[str, str]
    scenarios: Sequence[str]
    connections: int
    seconds: float
    rounds: int
    workers: int
    machine: Sequence[str]
    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)
    memory: dict[str, Memory] = field(default_factory=dict)
    ready_after: dict[str, float] = field(default_factory=dict)
    at_100: dict[str, Cell] = field(default_factory=dict)
    at_1000: dict[tuple[str, str], Cell] = field(default_factory=dict)
    """Ours and granian with 1,000 connections that open at once, by (service key, scenario)."""
    restart: float | None = None
    """Seconds from start to first response on the filled database."""
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

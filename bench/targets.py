"""The performance targets of the service, and whether a run met them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from bench.results import Cell, Results


class Target(NamedTuple):
    """One target, whether this run met it, and the measured figure."""

    text: str
    met: bool
    measured: str


def targets(results: Results) -> Iterator[Target]:
    """The targets that this run's measurements cover."""
    for key, least in (("sqlmodel", 5.0), ("asyncpg", 1.5), ("fastify-same", 1.0)):
        ratios = {
            scenario: results.cells["ours", scenario].rate / max(1.0, results.cells[key, scenario].rate)
            for scenario in results.scenarios
            if (key, scenario) in results.cells
        }
        if ratios:
            worst = min(ratios, key=lambda scenario: ratios[scenario])
            text = f"every scenario at least {least:g} times {results.titles[key]}"
            yield Target(text, ratios[worst] >= least, f"{ratios[worst]:.2f} ({worst})")
    errors = sum(results.cells["ours", scenario].errors for scenario in results.scenarios)
    yield Target(f"no error at {results.connections} connections", errors == 0, f"{errors}")
    memory = results.memory["ours"].rss / 1e6
    yield Target("at most 70 MB a worker", memory <= 70, f"{memory:.0f} MB")
    if results.at_100:
        slowest = max(results.at_100, key=lambda scenario: results.at_100[scenario].p95_ms)
        late = results.at_100[slowest].p95_ms
        yield Target("p95 below 200 ms at 100 connections", late < 200, f"{late:.0f} ms ({slowest})")
    yield from _tails(results, results.cells, results.connections)
    yield from _tails(results, results.at_1000, 1000)
    many = results.at_1000.get(("ours", "get-one"))
    if many is not None:
        met = many.requests > 0 and many.errors == 0 and many.p95_ms < 500
        measured = f"{many.p95_ms:.0f} ms, {many.errors} errors, {many.rate:,.0f}/s"
        yield Target("get-one with 1,000 connections: no error, p95 below 500 ms", met, measured)
    if results.restart is not None:
        yield Target("start to first response in less than 1 s", results.restart < 1, f"{results.restart:.2f} s")


def _tails(results: Results, cells: Mapping[tuple[str, str], Cell], connections: int) -> Iterator[Target]:
    """How late the slowest requests are, but those of list-of-1000: beside the median, and beside granian's."""
    ours = {scenario: cell for (key, scenario), cell in cells.items() if key == "ours" and scenario != "list-of-1000"}
    if not ours:
        return
    spreads = {scenario: cell.p99_ms / max(0.001, cell.p50_ms) for scenario, cell in ours.items()}
    widest = max(spreads, key=lambda scenario: spreads[scenario])
    text = f"p99 at most 3 times p50 at {connections:,} connections"
    yield Target(text, spreads[widest] <= 3, f"{spreads[widest]:.1f} ({widest})")
    beside = {
        scenario: cell.p99_ms / max(0.001, cells["granian", scenario].p99_ms)
        for scenario, cell in ours.items()
        if ("granian", scenario) in cells
    }
    if beside:
        worst = max(beside, key=lambda scenario: beside[scenario])
        text = f"p99 at {connections:,} connections at most that of {results.titles['granian']}"
        yield Target(text, beside[worst] <= 1, f"{beside[worst]:.2f} times ({worst})")

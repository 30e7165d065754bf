"""The performance targets of the service, and whether a run met them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bench.results import Results


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
    if results.many is not None:
        many = results.many
        met = many.requests > 0 and many.errors == 0 and many.p95_ms < 500
        measured = f"{many.p95_ms:.0f} ms, {many.errors} errors, {many.rate:,.0f}/s"
        yield Target("get-one with 1,000 connections: no error, p95 below 500 ms", met, measured)
    if results.restart is not None:
        yield Target("start to first response in less than 1 s", results.restart < 1, f"{results.restart:.2f} s")

"""What a run must show of the service, each with what it did show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bench.results import Results


class Promise(NamedTuple):
    """One promise: whether this run kept it, and by which figure."""

    text: str
    kept: bool
    shown: str


def promises(results: Results) -> Iterator[Promise]:
    """All that can be judged by what was measured."""
    for key, least in (("sqlmodel", 5.0), ("asyncpg", 1.0), ("fastify", 1.0)):
        ratios = {
            scenario: results.cells["ours", scenario].rate / max(1.0, results.cells[key, scenario].rate)
            for scenario in results.scenarios
            if (key, scenario) in results.cells
        }
        if ratios:
            worst = min(ratios, key=lambda scenario: ratios[scenario])
            text = f"every scenario at least {least:g} times {results.titles[key]}"
            yield Promise(text, ratios[worst] >= least, f"{ratios[worst]:.2f} ({worst})")
    errors = sum(results.cells["ours", scenario].errors for scenario in results.scenarios)
    yield Promise(f"no error at {results.connections} connections", errors == 0, f"{errors}")
    memory = results.memory["ours"].rss / 1e6
    yield Promise("at most 70 MB a worker", memory <= 70, f"{memory:.0f} MB")
    if results.at_100:
        slowest = max(results.at_100, key=lambda scenario: results.at_100[scenario].p95_ms)
        late = results.at_100[slowest].p95_ms
        yield Promise("p95 below 200 ms at 100 connections", late < 200, f"{late:.0f} ms ({slowest})")
    if results.many is not None:
        many = results.many
        kept = many.requests > 0 and many.errors == 0 and many.p95_ms < 500
        shown = f"{many.p95_ms:.0f} ms, {many.errors} errors, {many.rate:,.0f}/s"
        yield Promise("get-one with 1,000 connections: no error, p95 below 500 ms", kept, shown)
    if results.restart is not None:
        yield Promise("start to first answer in less than 1 s", results.restart < 1, f"{results.restart:.2f} s")

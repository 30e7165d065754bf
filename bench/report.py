"""Formats the results as Markdown, for the terminal and for bench/results.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timezone

from bench.results import Results
from bench.scenarios import DESCRIPTIONS
from bench.targets import targets

MIB = 2**20
CELL = (
    "Each cell: requests a second · processor time of a request in the service + in PostgreSQL, µs · p99, ms. "
    "Processor time depends less than the rest on what else the machine does."
)

MANY = (
    "Each cell: requests a second · p50 / p95 / p99, ms · errors. With lists of 100 each user has ten requests in "
    "flight, more than a user's share, so ours may respond with 429."
)


def markdown(results: Results) -> str:
    """The whole report."""
    return "\n\n".join(section for section in _sections(results) if section) + "\n"


def _sections(results: Results) -> Iterable[str]:
    yield "# Benchmark results"
    yield _introduction(results)
    yield from _tables(results, "as their documentation teaches", _services(results, same_work=False))
    if _services(results, same_work=True):
        yield from _tables(results, "doing the same work", ["ours", *_services(results, same_work=True)])
    if "ours" in _services(results):
        yield "## Targets\n\n" + _targets(results)
    yield "## Latency, p50 / p95 / p99 in ms\n\n" + _latencies(results)
    yield "## Errors, memory, start\n\n" + _footprints(results)
    if results.at_100:
        yield "## Ours at 100 connections\n\n" + _at_100(results)
    if results.at_1000:
        yield f"## 1,000 connections that open at once\n\n{MANY}\n\n" + _at_1000(results)
    if results.rows:
        yield "## Beside the table\n\n" + _table(("", ""), [(row.title, row.value) for row in results.rows])
    yield _notes(results)


def _introduction(results: Results) -> str:
    day = datetime.now(timezone.utc).date().isoformat()
    lines = [
        f"Measured {day} by `make bench` on one machine that also ran PostgreSQL and wrk:",
        "",
        *(f"- {line}" for line in results.machine),
        f"- {results.workers} worker processes a service, {results.connections} keep-alive connections, "
        f"{results.rounds} times {results.seconds:g} s after a warm-up, services taking turns in each scenario",
    ]
    return "\n".join(lines)


def _tables(results: Results, heading: str, services: Sequence[str]) -> Iterable[str]:
    """What these services did, and how many times ours was faster than each peer."""
    yield f"## Requests a second, {heading}\n\n{CELL}\n\n" + _rates(results, services)
    peers = [key for key in services if key not in ("ours", "granian")]
    if "ours" in services and peers:
        yield f"## Times ours is faster, {heading}\n\n" + _ratios(results, peers)


def _services(results: Results, *, same_work: bool | None = None) -> list[str]:
    """The keys of the measured services; those that do the same work as ours, the others, or (None) all."""
    measured = (key for key in results.titles if (key, results.scenarios[0]) in results.cells)
    return [key for key in measured if same_work in (None, key.endswith("-same"))]


def _by_service(results: Results, services: Sequence[str], show: str) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = []
    for scenario in results.scenarios:
        cells = [results.cells[key, scenario] for key in services]
        rows.append((_name(scenario), *(show.format(cell=cell) for cell in cells)))
    return rows


def _name(scenario: str) -> str:
    return f"{scenario}: {DESCRIPTIONS[scenario]}"


def _header(results: Results, services: Sequence[str]) -> Sequence[str]:
    return ("", *(results.titles[key] for key in services))


def _rates(results: Results, services: Sequence[str]) -> str:
    show = "{cell.rate:,.0f} · {cell.service_us:,.0f} + {cell.database_us:,.0f} · {cell.p99_ms:,.1f}"
    return _table(_header(results, services), _by_service(results, services, show))


def _latencies(results: Results) -> str:
    services = _services(results)
    show = "{cell.p50_ms:,.1f} / {cell.p95_ms:,.1f} / {cell.p99_ms:,.1f}"
    return _table(_header(results, services), _by_service(results, services, show))


def _ratios(results: Results, peers: Sequence[str]) -> str:
    rows = []
    for scenario in results.scenarios:
        ours = results.cells["ours", scenario].rate
        rows.append((scenario, *(f"{ours / max(1.0, results.cells[key, scenario].rate):.2f}" for key in peers)))
    return _table(("", *(results.titles[key] for key in peers)), rows)


def _targets(results: Results) -> str:
    rows = [(one.text, "yes" if one.met else "**no**", one.measured) for one in targets(results)]
    return _table(("", "met", "measured"), rows)


def _footprints(results: Results) -> str:
    rows = []
    for key in _services(results):
        cells = [results.cells[key, scenario] for scenario in results.scenarios]
        memory = results.memory[key]
        rows.append(
            (
                results.titles[key],
                f"{sum(cell.errors for cell in cells):,} of {sum(cell.requests for cell in cells):,}",
                f"{memory.rss / MIB:.0f} MiB",
                f"{memory.pss / MIB:.0f} MiB",
                f"{memory.total_pss / MIB:.0f} MiB",
                f"{results.ready_after[key]:.2f} s",
            )
        )
    header = ("", "errors", "RSS, largest worker", "PSS, largest worker", "PSS, all", "start to first response")
    return _table(header, rows)


def _at_100(results: Results) -> str:
    rows = [
        (
            scenario,
            f"{cell.rate:,.0f}",
            f"{cell.p50_ms:,.1f}",
            f"{cell.p95_ms:,.1f}",
            f"{cell.p99_ms:,.1f}",
            f"{cell.errors}",
        )
        for scenario, cell in results.at_100.items()
    ]
    return _table(("", "requests/s", "p50 ms", "p95 ms", "p99 ms", "errors"), rows)


def _at_1000(results: Results) -> str:
    servers = list(dict.fromkeys(key for key, _ in results.at_1000))
    rows = []
    for scenario in dict.fromkeys(scenario for _, scenario in results.at_1000):
        cells = [results.at_1000[key, scenario] for key in servers]
        show = "{cell.rate:,.0f} · {cell.p50_ms:,.0f} / {cell.p95_ms:,.0f} / {cell.p99_ms:,.0f} · {cell.errors:,}"
        rows.append((_name(scenario), *(show.format(cell=cell) for cell in cells)))
    return _table(_header(results, servers), rows)


def _notes(results: Results) -> str:
    if not results.notes:
        return ""
    return "## Notes\n\n" + "\n".join(f"- {note}" for note in results.notes)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)

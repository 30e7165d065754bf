"""`python -m bench.servers`: the application under three WSGI servers: stock waitress, this project's and granian.

Prints a Markdown table with the processor time of the service and of PostgreSQL. On a busy machine these vary less than
rates and latencies. The servers take turns, so that no server gets the quieter minutes.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import contract_check, databases, dataset, load, machine, services
from bench.measure import Bench, measure_all
from bench.progress import Progress
from bench.results import Cell
from bench.running import StartFailed, started
from bench.scenarios import DESCRIPTIONS
from bench.services import Service

SCENARIOS = ("get-one", "list-of-20", "list-of-1000", "toggle", "create")
WORKERS = 2
THREADS = 4
CONNECTIONS = 64


def main(arguments: Sequence[str]) -> int:
    """Measure and print the table; the exit status."""
    parser = argparse.ArgumentParser("python -m bench.servers", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3, help="length of one measurement (3)")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each call on each server (5)")
    parser.add_argument("--scenarios", nargs="+", choices=SCENARIOS, default=SCENARIOS, metavar="NAME")
    options = parser.parse_args(arguments)
    try:
        load.find_wrk()
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            print("\n".join(_run(Path(directory), options)))
    except (load.LoadFailed, StartFailed, contract_check.ContractBroken) as ex:
        print(f"bench: {ex}", file=sys.stderr)
        return 1
    return 0


def _servers() -> list[Service]:
    ours = services.ours(THREADS=str(THREADS))
    command = (sys.executable, "-m", "bench.stock_waitress")
    waitress = Service("waitress", "stock waitress", command, environment=ours.environment, ours=True)
    return [waitress, ours, services.granian(WORKERS, threads=THREADS)]


def _run(directory: Path, options: argparse.Namespace) -> list[str]:
    """The lines to print: the machine, the conditions, the table."""
    servers = _servers()
    secret = secrets.token_urlsafe(48)
    users_file = directory / "users"
    dataset.write_users(users_file, secret)
    with ExitStack() as stack:
        server_url = stack.enter_context(databases.postgresql(directory / "data"))
        urls = {one.key: databases.create(server_url, f"bench_{one.key}", ours=True) for one in servers}
        progress = Progress(options.rounds * len(options.scenarios) * len(servers))
        bench = Bench(
            users_file,
            urls,
            databases.postmaster(server_url),
            CONNECTIONS,
            options.seconds,
            min(1.0, options.seconds),
            progress,
        )
        running = [stack.enter_context(started(one, urls[one.key], secret, WORKERS, directory)) for one in servers]
        for one in running:
            bench.fill(one, contract_check.ROWS)
            contract_check.check(one, secret)
        cells = measure_all(bench, running, options.scenarios, options.rounds)
        progress.end()
        return [*(f"- {line}" for line in machine.describe(server_url)), _conditions(options), "", *_table(cells)]


def _conditions(options: argparse.Namespace) -> str:
    return (
        "- waitress and granian with their defaults, ours as `python serve.py` starts it; "
        f"{WORKERS} processes of {THREADS} threads, {CONNECTIONS} connections, "
        f"{options.rounds} times {options.seconds:g} s"
    )


def _table(cells: Mapping[tuple[str, str], Cell]) -> Iterator[str]:
    yield "| call | server | service, µs a request | database, µs a request | p50, ms | p99, ms | failed |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: |"
    for (server, scenario), cell in cells.items():
        figures = f"{cell.service_us:,.0f} | {cell.database_us:,.0f} | {cell.p50_ms:.1f} | {cell.p99_ms:.1f}"
        yield f"| {DESCRIPTIONS[scenario]} | {server} | {figures} | {cell.errors:,} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

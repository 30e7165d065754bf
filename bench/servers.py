"""`python -m bench.servers`: the application under three WSGI servers: stock waitress, this project's and granian.

Prints a Markdown table with the processor time of the service and of PostgreSQL. On a busy machine these vary less than
rates and latencies. The servers take turns, so that no server gets the quieter minutes.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import psutil

from bench import contract_check, databases, dataset, load, machine, services
from bench.load import Measurement
from bench.measure import Bench
from bench.progress import Progress
from bench.results import Cell
from bench.running import Running, StartFailed, started
from bench.scenarios import DESCRIPTIONS
from bench.services import Service

SCENARIOS = ("get-one", "list-of-20", "list-of-1000", "toggle", "create")
WORKERS = 2
THREADS = 4
CONNECTIONS = 64


@dataclass(frozen=True)
class Sample:
    """One measurement, and the processor seconds of all its requests together."""

    load: Measurement
    service_seconds: float
    database_seconds: float


Samples: TypeAlias = Mapping[tuple[str, str], Sequence[Sample]]
"""By scenario and the server's key."""


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
        bench = Bench(users_file, urls, CONNECTIONS, options.seconds, min(1.0, options.seconds), progress)
        running = [stack.enter_context(started(one, urls[one.key], secret, WORKERS, directory)) for one in servers]
        for one in running:
            bench.fill(one)
            contract_check.check(one, secret)
        samples = _take_turns(bench, running, databases.postmaster(server_url), options)
        progress.end()
        return [*(f"- {line}" for line in machine.describe(server_url)), _conditions(options), "", *_table(samples)]


def _conditions(options: argparse.Namespace) -> str:
    return (
        "- waitress and granian with their defaults, ours as `python serve.py` starts it; "
        f"{WORKERS} processes of {THREADS} threads, {CONNECTIONS} connections, "
        f"{options.rounds} times {options.seconds:g} s"
    )


def _take_turns(
    bench: Bench, servers: Sequence[Running], postmaster: psutil.Process, options: argparse.Namespace
) -> Samples:
    samples: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for number in range(options.rounds):
        # The first round needs no fill: the rows were inserted for the contract check.
        for server in servers if number else ():
            bench.fill(server)
        for scenario in options.scenarios:
            for server in servers if number % 2 == 0 else reversed(servers):
                bench.progress.step(f"{server.service.title}: {scenario}, round {number + 1}")
                samples[scenario, server.service.key].append(_measure(bench, server, scenario, postmaster))
    return samples


def _measure(bench: Bench, server: Running, scenario: str, postmaster: psutil.Process) -> Sample:
    bench.prepare(server, scenario, CONNECTIONS)
    service, database = server.processor_seconds(), databases.processor_seconds(postmaster)
    measured = load.run(server.origin, scenario, bench.users_file, connections=CONNECTIONS, seconds=bench.seconds)
    return Sample(measured, server.processor_seconds() - service, databases.processor_seconds(postmaster) - database)


def _table(samples: Samples) -> Iterator[str]:
    yield "| call | server | service, µs a request | database, µs a request | p50, ms | p99, ms | failed |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: |"
    for (scenario, server), rounds in samples.items():
        requests = max(1, sum(one.load.requests for one in rounds))
        service = sum(one.service_seconds for one in rounds) / requests * 1e6
        database = sum(one.database_seconds for one in rounds) / requests * 1e6
        cell = Cell([one.load for one in rounds])
        figures = f"{service:,.0f} | {database:,.0f} | {cell.p50_ms:.1f} | {cell.p99_ms:.1f} | {cell.errors:,}"
        yield f"| {DESCRIPTIONS[scenario]} | {server} | {figures} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

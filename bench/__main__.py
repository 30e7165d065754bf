"""`python -m bench`: measure the service and its peers, and write bench/results.md."""

from __future__ import annotations

import argparse
import dataclasses
import secrets
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import contract_check, databases, dataset, load, machine, report, rows, services, soak
from bench.measure import Bench, measure_all
from bench.progress import Progress
from bench.results import Cell, Results
from bench.running import Running, StartFailed, started, tail
from bench.scenarios import SCENARIOS
from bench.services import Service

RESULTS = Path(__file__).parent / "results.md"
SERVERS = ("ours", "granian")
"""The services that are measured with MANY_CONNECTIONS: the application under two servers."""
MANY_CONNECTIONS = 1000
MANY_SECONDS = 3
"""Seconds of a measurement with that many connections at least. wrk takes some time to connect."""
NOTES = (
    "Rate limits and request logs are off for all services; the table above shows their cost for ours.",
    "wrk, PostgreSQL and the services share the machine: a service that needs less of it leaves more to the others.",
    "A client sends its next request after the response, so latency under this load is mostly queueing.",
    "Peers as their documentation teaches have the one index that their list needs, and verify a token each time.",
    "Peers that do the same work have our tables, indexes, task limit, entity tags and header fields, and verify a "
    "token once. None checks what ours does beyond that: malformed HTTP, a user's share, deadlines, retries.",
)


def main(arguments: Sequence[str]) -> int:
    """Run with these command-line arguments; the exit status."""
    options = _parse(arguments)
    try:
        load.find_wrk()
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            if options.soak:
                print(soak.run(Path(directory), options.workers, options.connections))
                return 0
            results = _run(options, Path(directory))
    except (load.LoadFailed, StartFailed, contract_check.ContractBroken) as ex:
        print(f"bench: {ex}", file=sys.stderr)
        return 1
    text = report.markdown(results)
    options.output.write_text(text)
    print(text)
    return 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="length of one measurement (5)")
    parser.add_argument("--rounds", type=int, default=2, help="measurements of each scenario (2)")
    parser.add_argument("--quick", action="store_true", help="one round of 2 s: the same table, less precise")
    parser.add_argument("--connections", type=int, default=64, help="keep-alive connections (64)")
    parser.add_argument("--workers", type=int, default=2, help="worker processes of each service (2)")
    parser.add_argument("--scenarios", nargs="+", choices=SCENARIOS, default=SCENARIOS, metavar="NAME")
    parser.add_argument(
        "--services",
        nargs="+",
        metavar="KEY",
        help="ours, granian, sqlmodel, asyncpg, fastify, asyncpg-same, fastify-same (all)",
    )
    parser.add_argument("--table-only", action="store_true", help="skip the rows beside the table")
    parser.add_argument("--soak", action="store_true", help="run only 500,000 requests, and print a worker's memory")
    parser.add_argument("--output", type=Path, default=RESULTS, help="the report (bench/results.md)")
    options = parser.parse_args(arguments)
    if options.quick:
        options.seconds, options.rounds = 2, 1
    return options


def _run(options: argparse.Namespace, directory: Path) -> Results:
    chosen = _choose(options)
    secret = secrets.token_urlsafe(48)
    users_file = directory / "users"
    dataset.write_users(users_file, secret)
    steps = len(chosen) * len(options.scenarios) * options.rounds
    if not options.table_only:
        steps += rows.steps(options.rounds) + len(options.scenarios)
        steps += options.rounds * sum(one.key in SERVERS for one in chosen) * len(_short(options.scenarios))
    with ExitStack() as stack:
        server_url = stack.enter_context(databases.postgresql(directory / "data"))
        urls = {one.key: databases.create(server_url, f"bench_{one.key}", ours=one.ours) for one in chosen}
        bench = Bench(
            users_file,
            urls,
            databases.postmaster(server_url),
            options.connections,
            options.seconds,
            min(1.0, options.seconds),
            Progress(steps),
        )
        running = [
            stack.enter_context(started(one, urls[one.key], secret, options.workers, directory)) for one in chosen
        ]
        results = Results(
            {one.key: one.title for one in chosen},
            options.scenarios,
            options.connections,
            options.seconds,
            options.rounds,
            options.workers,
            machine.describe(server_url),
            notes=list(NOTES),
        )
        for one in running:
            bench.fill(one, contract_check.ROWS)
            contract_check.check(one, secret)
            results.ready_after[one.service.key] = one.ready_after
        results.cells = measure_all(bench, running, options.scenarios, options.rounds)
        results.memory = {one.service.key: one.memory() for one in running}
        if not options.table_only and chosen[0].key == "ours":
            _add_rows(bench, results, running[0], secret, directory)
            _add_many_connections(bench, results, running)
        bench.progress.end()
        for one in running:
            _print_errors(results, one)
    return results


def _choose(options: argparse.Namespace) -> list[Service]:
    available = [
        services.ours(),
        *services.peers(options.workers),
        *services.same_work_peers(options.workers),
        services.granian(options.workers),
    ]
    chosen = [one for one in available if options.services is None or one.key in options.services]
    for one in chosen:
        missing = one.missing()
        if missing is not None:
            raise StartFailed(missing)
    return chosen


def _add_rows(bench: Bench, results: Results, ours: Running, secret: str, directory: Path) -> None:
    get_one = results.cells["ours", "get-one"]
    bench.fill(ours)
    for scenario in results.scenarios:
        bench.progress.step(f"ours: {scenario}, 100 connections")
        results.at_100[scenario] = Cell([bench.measure(ours, scenario, connections=100)])
    results.rows += rows.limit(bench, ours, directory, get_one)
    results.rows += rows.verification(bench, secret, get_one)
    results.rows.append(rows.login(bench, ours))
    switched, results.restart = rows.switched_on(bench, secret, results.workers, directory, results.rounds)
    results.rows += switched


def _add_many_connections(bench: Bench, results: Results, running: Sequence[Running]) -> None:
    servers = [one for one in running if one.service.key in SERVERS]
    bench = dataclasses.replace(bench, connections=MANY_CONNECTIONS, seconds=max(bench.seconds, MANY_SECONDS))
    results.at_1000 = measure_all(bench, servers, _short(results.scenarios), results.rounds)


def _print_errors(results: Results, running: Running) -> None:
    """Print which measurements of a service had errors, and the end of its log."""
    key = running.service.key
    at_100 = {("ours", scenario): cell for scenario, cell in results.at_100.items()}
    failed = [
        f"{running.service.title}: {scenario}: {sample.load}"
        for table in (results.cells, at_100, results.at_1000)
        for (service, scenario), cell in table.items()
        for sample in cell.samples
        if service == key and sample.load.errors
    ]
    if failed:
        print(*failed, tail(running.log), sep="\n", file=sys.stderr)


def _short(scenarios: Sequence[str]) -> list[str]:
    """The scenarios without the long list, of which 1,000 connections would ask for 250 MB at once."""
    return [scenario for scenario in scenarios if scenario != "list-of-1000"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python -m bench.compare REV`: processor time of a request, at another commit and at the present files, as ratios.

Both run as services on one PostgreSQL and take turns with a fixed number of requests. The lowest of the rounds counts:
what else the machine does can only add to it. So the ratios say the same on a busy machine, up to a few hundredths.
"""

from __future__ import annotations

import argparse
import itertools
import json
import secrets
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from bench import databases, filling, fixed_load, services
from bench.dataset import Group, token_for
from bench.progress import Progress
from bench.running import Running, StartFailed, started
from bench.versions import unpack

CONNECTIONS = 16
NOW = "these files"
GROUPS = (Group("twenty", 200, 20), Group("hundred", 50, 100), Group("thousand", 32, 1000))
CREATE = {"title": "Water the plants on the balcony", "description": "Twice a week", "due_date": "2026-06-01T09:00:00Z"}


@dataclass(frozen=True)
class Scenario:
    """`share` of the requests of a round: method, path with a place for a task's id, and body."""

    share: float
    group: Group
    method: str
    path: str
    body: object = None


SCENARIOS: Mapping[str, Scenario] = {
    "get-one": Scenario(1, GROUPS[0], "GET", "/api/tasks/{}"),
    "list-of-20": Scenario(0.5, GROUPS[0], "GET", "/api/tasks"),
    "list-of-100": Scenario(0.2, GROUPS[1], "GET", "/api/tasks"),
    "list-of-1000": Scenario(0.05, GROUPS[2], "GET", "/api/tasks"),
    "create": Scenario(0.5, GROUPS[0], "POST", "/api/tasks", CREATE),
    "toggle": Scenario(0.5, GROUPS[0], "PATCH", "/api/tasks/{}/complete"),
}


@dataclass(frozen=True)
class Costs:
    """Processor time of one request, in microseconds."""

    service: float
    database: float


def main(arguments: Sequence[str]) -> int:
    """Measure and print the table; the exit status."""
    parser = argparse.ArgumentParser("python -m bench.compare", description=__doc__)
    parser.add_argument("revision", help="the commit to compare with")
    parser.add_argument("--requests", type=int, default=4000, help="requests of get-one in a round (4000)")
    parser.add_argument("--rounds", type=int, default=8, help="rounds of each scenario (8)")
    parser.add_argument("--scenarios", nargs="+", choices=SCENARIOS, default=SCENARIOS, metavar="NAME")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            print("\n".join(_run(Path(directory), options)))
    except (StartFailed, fixed_load.RequestFailed) as ex:
        print(f"bench: {ex}", file=sys.stderr)
        return 1
    return 0


def _run(directory: Path, options: argparse.Namespace) -> Iterator[str]:
    secret = secrets.token_urlsafe(48)
    before = replace(services.ours("before", options.revision), directory=unpack(options.revision, directory))
    with ExitStack() as stack:
        server_url = stack.enter_context(databases.postgresql(directory / "data"))
        running = []
        for one in (before, services.ours("now", NOW)):
            url = databases.create_empty(server_url, f"bench_{one.key}")
            # One worker: two share the requests in another way in each round.
            running.append(stack.enter_context(started(one, url, secret, 1, directory)))
            with databases.connection(url) as connected:
                filling.fill(connected, one.due_column, GROUPS)
        postmaster = databases.postmaster(server_url)
        progress = Progress(len(options.scenarios) * options.rounds * len(running))
        costs = _take_turns(running, postmaster, options, secret, progress.step)
        progress.end()
    yield from _table(options, costs)


def _take_turns(
    running: Sequence[Running],
    postmaster: psutil.Process,
    options: argparse.Namespace,
    secret: str,
    report: Callable[[str], None],
) -> Mapping[tuple[str, str], list[Costs]]:
    costs: dict[tuple[str, str], list[Costs]] = defaultdict(list)
    for name in options.scenarios:
        requests = _requests(SCENARIOS[name], options.requests, secret)
        # The first round warms up, and does not count.
        for number in range(options.rounds + 1):
            for service in running if number % 2 == 0 else reversed(running):
                if number:
                    report(f"{service.service.title}: {name}, round {number}")
                measured = _measure(service, postmaster, requests)
                if number:
                    costs[service.service.key, name].append(measured)
    return costs


def _measure(running: Running, postmaster: psutil.Process, requests: Sequence[bytes]) -> Costs:
    service, database = running.processor_seconds(), databases.processor_seconds(postmaster)
    fixed_load.send_all(running.port, requests, CONNECTIONS)
    service, database = running.processor_seconds() - service, databases.processor_seconds(postmaster) - database
    return Costs(service / len(requests) * 1e6, database / len(requests) * 1e6)


def _requests(scenario: Scenario, most: int, secret: str) -> list[bytes]:
    """The requests of one round, of all users of the group in turns."""
    first_id = 1
    for group in itertools.takewhile(lambda group: group != scenario.group, GROUPS):
        first_id += group.users * group.tasks_each
    tokens = [token_for(scenario.group.user_id(user), secret) for user in range(scenario.group.users)]
    body = b"" if scenario.body is None else json.dumps(scenario.body).encode()
    fields = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    return [
        (
            f"{scenario.method} {scenario.path.format(first_id + number)} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {tokens[number]}\r\n{fields}\r\n"
        ).encode()
        + body
        for number in (count % len(tokens) for count in range(max(1, round(most * scenario.share))))
    ]


def _table(options: argparse.Namespace, costs: Mapping[tuple[str, str], list[Costs]]) -> Iterator[str]:
    yield f"Processor time of a request in µs, lowest of {options.rounds} rounds: {options.revision} and {NOW}"
    yield ""
    yield "| scenario | service before | now | ratio | database before | now | ratio |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for name in options.scenarios:
        figures = []
        for part in ("service", "database"):
            before, now = (min(getattr(each, part) for each in costs[key, name]) for key in ("before", "now"))
            figures.append(f"{before:,.0f} | {now:,.0f} | {now / max(before, 1e-9):.2f}")
        yield f"| {name} | {' | '.join(figures)} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

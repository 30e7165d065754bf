"""`--soak`: sends 500,000 requests to the service and shows whether its workers' memory grows."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from pathlib import Path

from bench import databases, dataset, filling, load, services
from bench.progress import Progress
from bench.running import started

REQUESTS = 500_000
BURST_SECONDS = 5
TURNS = ("get-one", "list-of-20", "create", "toggle")
MIB = 2**20


def run(directory: Path, workers: int, connections: int) -> str:
    """Run the requests; a report of the largest worker's memory after each tenth of them."""
    secret = secrets.token_urlsafe(48)
    users_file = directory / "users"
    dataset.write_users(users_file, secret)
    service = services.ours()
    progress = Progress(10)
    lines = [f"{'requests':>9}  largest worker"]
    done = errors = tenths = 0
    with ExitStack() as stack:
        server_url = stack.enter_context(databases.postgresql(directory / "data"))
        url = databases.create(server_url, "bench_soak", ours=True)
        running = stack.enter_context(started(service, url, secret, workers, directory))
        with databases.connection(url) as connected:
            filling.fill(connected, service.due_column)
        turn = 0
        while done < REQUESTS:
            measured = load.run(
                running.origin,
                TURNS[turn % len(TURNS)],
                users_file,
                connections=connections,
                seconds=BURST_SECONDS,
            )
            turn += 1
            done += measured.requests
            errors += measured.errors
            if done * 10 // REQUESTS > tenths:
                tenths = done * 10 // REQUESTS
                lines.append(f"{done:>9,}  {running.memory().rss / MIB:.1f} MiB")
                progress.step(lines[-1])
    progress.end()
    return "\n".join([*lines, f"errors: {errors}"])

"""The figures beside the main tables: PostgreSQL alone, tokens, logins, rate limits, the log."""

from __future__ import annotations

import http.client
import json
import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import limits, services
from bench.measure import Bench, compare
from bench.results import Cell, Row
from bench.running import Running, started

LOGIN_CONNECTIONS = 2
"""One a worker: a worker runs one bcrypt at a time, queues a few and rejects the rest at once."""
ACCOUNT = {"email": "bench@example.com", "password": "correct horse battery staple", "name": "Bench"}


def steps(rounds: int) -> int:
    """The number of times that the functions below call `progress.step`."""
    return 3 * rounds + 4


def switched_on(bench: Bench, secret: str, workers: int, log_dir: Path, rounds: int) -> tuple[list[Row], float]:
    """get-one with rate limit and request log off, with the rate limit on, and with the request log on, in turns.

    Also returns the seconds that a start on the filled database takes: the median of the three.
    """
    variants = (
        services.ours("plain", "rate limit and request log off"),
        services.ours("limited", "rate limit on, never reached", RATE_LIMIT="100000000/minute"),
        services.ours("logged", "request log on", LOG_LEVEL="info"),
    )
    url = bench.urls["ours"]
    with ExitStack() as stack:
        running = [stack.enter_context(started(variant, url, secret, workers, log_dir)) for variant in variants]
        plain, *rest = compare(bench, running, "get-one", rounds, bench.progress.step)
    ready_after = statistics.median(one.ready_after for one in running)
    rows = [Row(f"get-one, {variants[0].title}", f"{plain.rate:,.0f}/s")]
    for variant, cell in zip(variants[1:], rest, strict=True):
        share = cell.rate / plain.rate
        rows.append(Row(f"get-one, {variant.title}", f"{cell.rate:,.0f}/s ({share:.2f} of off)"))
    return rows, ready_after


def login(bench: Bench, running: Running) -> Row:
    """POST /auth/login; each request runs one bcrypt."""
    bench.progress.step(f"{running.service.title}: login")
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    connection.request("POST", "/auth/register", json.dumps(ACCOUNT), {"Content-Type": "application/json"})
    connection.getresponse().read()
    connection.close()
    sample = bench.measure(running, "login", connections=LOGIN_CONNECTIONS)
    measured = sample.load
    each = sample.service_seconds / max(1, measured.requests) * 1e3
    return Row(
        f"login (bcrypt), {LOGIN_CONNECTIONS} connections",
        f"{measured.rate:,.1f}/s, p50 {measured.p50_ms:,.0f} ms, {each:,.0f} ms of processor time, "
        f"{measured.errors} errors",
    )


def verification(bench: Bench, secret: str, get_one: Cell) -> list[Row]:
    """The token's share of a get-one's processor time."""
    bench.progress.step("HS256 verification")
    first, again = limits.verification_seconds(secret)
    share = again * 1e6 / get_one.service_us
    return [
        Row("worker's processor time of a get-one", f"{get_one.service_us:,.0f} µs"),
        Row("HS256 verification, new token", f"{first * 1e6:,.1f} µs"),
        Row(
            "HS256 verification, token verified before (as in these scenarios)",
            f"{again * 1e6:,.1f} µs ({share:.0%} of it)",
        ),
    ]


def limit(bench: Bench, running: Running, directory: Path, get_one: Cell) -> Sequence[Row]:
    """get-one compared with PostgreSQL alone, which runs the same statement for pgbench."""
    url = bench.urls[running.service.key]
    statement = limits.get_one_statement(url)
    rows = []
    for prepared in (False, True):
        protocol = "prepared" if prepared else "simple"
        bench.progress.step(f"pgbench, {protocol} protocol")
        rate = limits.pgbench(url, statement, directory, prepared=prepared, seconds=bench.seconds)
        share = get_one.rate / rate
        rows.append(
            Row(f"pgbench with get-one's statement, {protocol} protocol", f"{rate:,.0f}/s; ours is {share:.0%} of it")
        )
    return rows

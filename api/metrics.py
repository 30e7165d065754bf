"""The metrics of the service: the middleware that counts requests, and the thread that polls the pool and the keys.

metrics_server.py collects the values of all workers and serves them to Prometheus. Neither module is imported unless
METRICS_PORT is set.
"""

from __future__ import annotations

import threading
from collections import Counter as Tally
from time import monotonic, perf_counter
from typing import Final

from falcon import Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from api.cross_origin import METHODS
from api.errors import Code
from api.jose.jwks import KeySet
from api.postgres.database import Database
from api.request_context import Request
from api.upgrade import Upgrade

BUCKETS: Final = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
"""Seconds. 0.2 is the objective of the 95th percentile, 2 the limit of a request while the database is gone."""

UNKNOWN_PATH: Final = "unknown"
"""The route label of every path that has no route. Paths that clients invent must not create series."""

POLL_INTERVAL: Final = 1.0
"""Seconds between two polls of the values that no request reports."""

_METHODS: Final = frozenset(METHODS)
_WRONG_PASSWORD: Final = Code.INVALID_CREDENTIALS.value.lower()


class Metrics:
    """The metrics of one worker, and Falcon's middleware that counts its requests.

    No label contains a user, a task or anything else that a client chooses.
    """

    def __init__(self) -> None:
        # prometheus_client's multi-process mode stores the values in files, so this registry is never collected.
        registry = CollectorRegistry()
        self._requests = Counter(
            "tasks_http_requests", "Requests served", ("route", "method", "status"), registry=registry
        )
        self._durations = Histogram(
            "tasks_http_request_duration_seconds",
            "Time from the start of a request in a worker thread to its response",
            ("route", "method"),
            buckets=BUCKETS,
            registry=registry,
        )
        self._rate_limited = Counter(
            "tasks_rate_limited", "Calls rejected with 429, by limit (user, auth)", ("limit",), registry=registry
        )
        self._rejected_tokens = Counter(
            "tasks_token_refusals", "Tokens rejected with 401, by reason", ("reason",), registry=registry
        )
        self._database_errors = Counter(
            "tasks_database_errors",
            "Statements that failed because of the database, by kind",
            ("kind",),
            registry=registry,
        )
        self._connections = Gauge(
            "tasks_database_connections",
            "Connections of the pools, by state (in_use, idle)",
            ("state",),
            multiprocess_mode="sum",
            registry=registry,
        )
        self._waiting = Gauge(
            "tasks_database_waiting",
            "Requests that wait for a connection",
            multiprocess_mode="sum",
            registry=registry,
        )
        self._tasks_to_fold = Gauge(
            "tasks_upgrade_rows",
            "Tasks whose text the background job of an upgrade has yet to fold, about",
            multiprocess_mode="max",
            registry=registry,
        )
        self.upgrade: Upgrade | None = None
        """The background job whose progress is reported."""
        self._of_request: dict[tuple[str | None, str, int], tuple[Counter, Histogram]] = {}

    def process_response(self, req: Request, resp: Response, resource: object, req_succeeded: bool) -> None:
        """Count a request."""
        method = req.method if req.method in _METHODS else "other"
        status = resp.status_code
        key = (req.uri_template, method, status)
        series = self._of_request.get(key)
        if series is None:
            route = req.uri_template or UNKNOWN_PATH
            series = (self._requests.labels(route, method, str(status)), self._durations.labels(route, method))
            self._of_request[key] = series
        requests, durations = series
        requests.inc()
        durations.observe(perf_counter() - req.context.started)
        if status == 401:
            reason = req.context.error_reason
            if reason != _WRONG_PASSWORD:
                self._rejected_tokens.labels(reason).inc()
        elif status == 429:
            limit = "auth" if (req.uri_template or "").startswith("/auth/") else "user"
            self._rate_limited.labels(limit).inc()

    def watch(self, database: Database, jwks: KeySet | None) -> None:
        """Start a thread that polls the pool and the age of the keys. Call it only after the fork."""
        threading.Thread(target=self._poll_forever, args=(database, jwks), name="metrics", daemon=True).start()

    def _poll_forever(self, database: Database, jwks: KeySet | None) -> None:
        age_of_keys = _age_of_keys() if jwks is not None else None
        started = monotonic()
        reported: Tally[str] = Tally()
        pause = threading.Event()
        while True:
            self.poll(database, reported)
            if jwks is not None and age_of_keys is not None:
                # This starts the downloads. So if the age only grows, JWKS_URL does not respond.
                jwks.current()
                age = jwks.age
                age_of_keys.set(monotonic() - started if age is None else age)
            pause.wait(POLL_INTERVAL)

    def poll(self, database: Database, reported: Tally[str]) -> None:
        """Report the state of the pool, and the errors that are not in `reported` yet."""
        pool = database.pool
        self._connections.labels("in_use").set(pool.in_use)
        self._connections.labels("idle").set(pool.idle)
        self._waiting.set(pool.waiting)
        if self.upgrade is not None:
            self._tasks_to_fold.set(self.upgrade.rows_left)
        for kind, count in database.errors.copy().items():
            if count > reported[kind]:
                self._database_errors.labels(kind).inc(count - reported[kind])
                reported[kind] = count


def _age_of_keys() -> Gauge:
    """Create the gauge. Without JWKS_URL it must not exist: an age of 0 would mean that the keys are fresh."""
    return Gauge(
        "tasks_jwks_age_seconds",
        "Time since the last download of the keys of JWKS_URL, in the worker where it is longest",
        multiprocess_mode="max",
        registry=None,
    )

"""What the service counts of itself: the metrics, the middleware that counts requests, the thread that looks round.

How the numbers of all workers come together and where Prometheus fetches them is in metrics_server.py. Neither module
is imported unless METRICS_PORT is set.
"""

from __future__ import annotations

import threading
from collections import Counter as Tally
from time import monotonic, perf_counter
from typing import Final

from falcon import Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from api.errors import Code
from api.jose.jwks import KeySet
from api.middleware import METHODS
from api.postgres.database import Database
from api.request_context import Request

BUCKETS: Final = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
"""Seconds. 0.2 is the objective of the 95th percentile, 2 what a request may take while the database is gone."""

UNKNOWN_PATH: Final = "unknown"
"""The route of every path that leads nowhere: what strangers make up must not make up series."""

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at what no request reports by itself."""

_METHODS: Final = frozenset(METHODS)
_WRONG_PASSWORD: Final = Code.INVALID_CREDENTIALS.value.lower()


class Metrics:
    """The metrics of one worker, and Falcon's middleware that counts its requests.

    No label holds a user, a task or anything else that a client chooses.
    """

    def __init__(self) -> None:
        # Values go where prometheus_client's multi-process mode keeps them, so the registry is never asked for them.
        registry = CollectorRegistry()
        self._requests = Counter(
            "tasks_http_requests", "Requests answered", ("route", "method", "status"), registry=registry
        )
        self._durations = Histogram(
            "tasks_http_request_duration_seconds",
            "Time from a worker thread's taking a request to its answer",
            ("route", "method"),
            buckets=BUCKETS,
            registry=registry,
        )
        self._rate_limited = Counter(
            "tasks_rate_limited", "Calls refused with 429, by limit (user, auth)", ("limit",), registry=registry
        )
        self._token_refusals = Counter(
            "tasks_token_refusals", "Tokens refused with 401, by reason", ("reason",), registry=registry
        )
        self._database_errors = Counter(
            "tasks_database_errors", "Statements that the database did not serve, by kind", ("kind",), registry=registry
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
            reason = req.context.refusal
            if reason != _WRONG_PASSWORD:
                self._token_refusals.labels(reason).inc()
        elif status == 429:
            limit = "auth" if (req.uri_template or "").startswith("/auth/") else "user"
            self._rate_limited.labels(limit).inc()

    def watch(self, database: Database, jwks: KeySet | None) -> None:
        """Have a thread look at the pool and at the age of the keys from now on; only ever after a fork."""
        threading.Thread(target=self._keep_looking, args=(database, jwks), name="metrics", daemon=True).start()

    def _keep_looking(self, database: Database, jwks: KeySet | None) -> None:
        age_of_keys = _age_of_keys() if jwks is not None else None
        started = monotonic()
        told: Tally[str] = Tally()
        pause = threading.Event()
        while True:
            self.look(database, told)
            if jwks is not None and age_of_keys is not None:
                # Asking for the keys has them downloaded, so an age that only grows is a URL that does not answer.
                jwks.current()
                age = jwks.age
                age_of_keys.set(monotonic() - started if age is None else age)
            pause.wait(LOOK_EVERY)

    def look(self, database: Database, told: Tally[str]) -> None:
        """Report the pool as it is now, and the errors that are not among those already `told`."""
        pool = database.pool
        self._connections.labels("in_use").set(pool.in_use)
        self._connections.labels("idle").set(pool.idle)
        self._waiting.set(pool.waiting)
        for kind, count in database.errors.copy().items():
            if count > told[kind]:
                self._database_errors.labels(kind).inc(count - told[kind])
                told[kind] = count


def _age_of_keys() -> Gauge:
    """Made only where there are keys: a metric that is always 0 would say that they are new."""
    return Gauge(
        "tasks_jwks_age_seconds",
        "Time since the keys behind JWKS_URL were last downloaded, in the worker where it is longest",
        multiprocess_mode="max",
        registry=None,
    )

"""The metrics: what they count across all workers, and what they never contain."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest

from api.settings import load_settings
from serve import main
from tests.operations.scrape import labels_of, scrape, total
from tests.support.http import call
from tests.support.jwks_server import serving
from tests.support.ports import free_port
from tests.support.postgres import connect
from tests.support.processes import PATIENT, PROJECT, START_TIMEOUT, UNLIMITED, Service, running
from tests.support.signing import SECRET, make_signer, token_for
from tests.support.waiting import wait_until

REQUESTS = "tasks_http_requests_total"
REFUSALS = "tasks_token_refusals_total"


@pytest.fixture
def metrics_port() -> int:
    return free_port()


@contextlib.contextmanager
def with_metrics(folder: Path, database_url: str, metrics_port: int) -> Iterator[Service]:
    """Two workers with metrics, with their temporary files in the folder."""
    environ = {"DATABASE_URL": database_url, "METRICS_PORT": str(metrics_port), "TMPDIR": str(folder), "WORKERS": "2"}
    with running(folder / "service.log", **UNLIMITED, **PATIENT, **environ) as service:
        service.wait_for_event("ready")
        yield service


@pytest.fixture
def service(tmp_path: Path, database_url: str, metrics_port: int) -> Iterator[Service]:
    """A service for one test, with its temporary files in tmp_path."""
    with with_metrics(tmp_path, database_url, metrics_port) as service:
        yield service


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[tuple[Service, int]]:
    """A service for tests that count nothing but what is their own, and its port of metrics."""
    port = free_port()
    with with_metrics(tmp_path_factory.mktemp("shared"), database_url, port) as service:
        yield service, port


def call_many(port: int, method: str, path: str, times: int) -> list[int]:
    """Call on a new connection each time, so that each worker gets some; the statuses."""

    with ThreadPoolExecutor(16) as pool:
        return list(
            pool.map(lambda _: call(port, method, path, token=token_for("ada"), timeout=30).status, range(times))
        )


def test_the_counts_of_two_workers_add_up_to_the_requests_sent(
    service: Service, metrics_port: int, tmp_path: Path
) -> None:
    sent = [("GET", "/api/tasks", "/api/tasks", 120), ("GET", "/tasks/1", "/tasks/{task_id}", 80)]
    for method, path, _, times in sent:
        assert len(call_many(service.port, method, path, times)) == times
    for method, _, route, times in sent:
        assert total(metrics_port, REQUESTS, method=method, route=route) == times
        assert total(metrics_port, "tasks_http_request_duration_seconds_count", method=method, route=route) == times
    files = sorted(path.name for path in tmp_path.glob("tasks-metrics-*/counter_*.db"))
    assert files == ["counter_0.db", "counter_1.db"], "only one worker was asked"


def test_the_counts_survive_a_killed_worker(service: Service, metrics_port: int, tmp_path: Path) -> None:
    call_many(service.port, "GET", "/api/tasks", 40)
    workers = set(service.children())
    os.kill(min(workers), signal.SIGKILL)

    def is_replaced() -> bool:
        now = set(service.children())
        return len(now) == 2 and now != workers

    wait_until(is_replaced, "a replacement")
    assert total(metrics_port, REQUESTS, route="/api/tasks") == 40
    call_many(service.port, "GET", "/api/tasks", 40)
    assert total(metrics_port, REQUESTS, route="/api/tasks") == 80
    # The replacement continues the files of the killed worker.
    assert len(list(tmp_path.glob("tasks-metrics-*/counter_*.db"))) == 2


def test_no_label_holds_a_value_chosen_by_a_client(shared: tuple[Service, int]) -> None:
    service, metrics_port = shared
    token = token_for("a-user-nobody-should-see")
    made = service.call("POST", "/api/tasks", {"title": "a-title"}, token=token).json["data"]["id"]
    service.call("GET", f"/api/a-user-nobody-should-see/tasks/{made}", token=token)
    for number in range(5):
        service.call("GET", f"/made/up/{number}")
        service.call("GET", "/api/tasks", token=token, headers={"X-Request-ID": f"made-up-{number}"})
    for method in ("BREW", "FROB"):
        service.call(method, "/api/tasks")
    text = str(scrape(metrics_port))
    assert "nobody-should-see" not in text
    assert "made" not in text
    assert "a-title" not in text
    assert total(metrics_port, REQUESTS, route="unknown", status="404") == 5
    assert labels_of(metrics_port, "method") <= {"GET", "POST", "other"}
    assert "/api/{user_id}/tasks/{task_id}" in labels_of(metrics_port, "route")


def test_rejected_tokens_are_counted_by_reason(service: Service, metrics_port: int) -> None:
    service.call("GET", "/api/tasks")
    service.call("GET", "/api/tasks", token="no.token.at-all")
    service.call("GET", "/api/tasks", token=token_for("ada", exp=1))
    service.call("GET", "/api/tasks", token=token_for("ada") + "AAAA")
    service.call("POST", "/auth/login", {"email": "nobody@example.com", "password": "wrong-password"})
    counted = {s.labels["reason"]: s.value for m in scrape(metrics_port) for s in m.samples if s.name == REFUSALS}
    assert counted.pop("unauthorized") == 1
    assert counted.pop("expired") == 1
    assert sum(counted.values()) == 2, counted
    assert "invalid_credentials" not in counted


def test_rate_limited_calls_are_counted_by_limit(tmp_path: Path, database_url: str, metrics_port: int) -> None:
    environ = {"DATABASE_URL": database_url, "BETTER_AUTH_SECRET": SECRET, "METRICS_PORT": str(metrics_port)}
    limits = {**PATIENT, "WORKERS": "1", "RATE_LIMIT": "2/hour", "AUTH_RATE_LIMIT": "1/hour", "BCRYPT_COST": "4"}
    with running(tmp_path / "service.log", **environ, **limits) as service:
        statuses = [service.call("GET", "/api/tasks", token=token_for("ada")).status for _ in range(5)]
        assert statuses.count(429) == 3
        for _ in range(3):
            service.call("POST", "/auth/login", {"email": "a@example.com", "password": "wrong-password"})
        assert total(metrics_port, "tasks_rate_limited_total", limit="user") == 3
        assert total(metrics_port, "tasks_rate_limited_total", limit="auth") == 2


def test_pool_and_database_errors_are_reported(tmp_path: Path, database_url: str, metrics_port: int) -> None:
    environ = {"DATABASE_URL": database_url, "METRICS_PORT": str(metrics_port), "WORKERS": "1"}
    with running(tmp_path / "service.log", **UNLIMITED, **environ, STATEMENT_TIMEOUT="1") as service:
        wait_until(lambda: total(metrics_port, "tasks_database_connections", state="idle") > 0)
        seen = threading.Event()

        def call_until_seen() -> int:
            refused = 0
            while not seen.is_set():
                assert service.call("GET", "/api/tasks", token=token_for("ada")).status == 503
                refused += 1
            return refused

        with contextlib.closing(psycopg2.connect(database_url)) as blocker, ThreadPoolExecutor(1) as pool:
            blocker.cursor().execute("LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE")
            calls = pool.submit(call_until_seen)
            try:
                # The gauge is set once a second: it may miss the one or the other call.
                wait_until(lambda: total(metrics_port, "tasks_database_connections", state="in_use") == 1)
            finally:
                seen.set()
            refused = calls.result()
        wait_until(lambda: total(metrics_port, "tasks_database_errors_total") >= refused)
        assert total(metrics_port, "tasks_database_errors_total", kind="deadline") > 0
        wait_until(lambda: total(metrics_port, "tasks_database_connections", state="in_use") == 0)
        assert total(metrics_port, "tasks_database_waiting") == 0


def wait_for_readiness(service: Service, metrics_port: int, reason: str) -> None:
    """Probe until the values of tasks_ready are 1 for the reason, and 0 for the others."""

    def is_reported() -> bool:
        call_many(service.port, "GET", "/ready", 12)
        service.call("OPTIONS", "/ready")
        values = [
            (s.labels["reason"], s.value) for m in scrape(metrics_port) for s in m.samples if s.name == "tasks_ready"
        ]
        return sorted(values) == [(each, each == reason) for each in ("database", "ok", "overloaded", "schema")]

    wait_until(is_reported, f"the reason to be {reason}")


def test_readiness_has_a_reason_and_the_newest_response_counts(
    tmp_path: Path, metrics_port: int, create_database: Callable[[], str]
) -> None:
    url = create_database()
    environ = {"DATABASE_URL": url, "METRICS_PORT": str(metrics_port), "WORKERS": "2"}

    with running(tmp_path / "service.log", **UNLIMITED, **PATIENT, **environ) as service:
        wait_for_readiness(service, metrics_port, "ok")
        connection = psycopg2.connect(url)
        with connection, connection.cursor() as cursor:
            cursor.execute("ALTER TABLE tasks RENAME TO gone")
        wait_for_readiness(service, metrics_port, "schema")
        assert call(service.port, "GET", "/ready").status == 503
        with connection, connection.cursor() as cursor:
            cursor.execute("ALTER TABLE gone RENAME TO tasks")
        connection.close()
        wait_for_readiness(service, metrics_port, "ok")
        admin = connect(create_database())
        name = url.rsplit("/", 1)[1].partition("?")[0]
        admin.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        wait_for_readiness(service, metrics_port, "database")
        admin.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        admin.close()


def test_the_version_is_a_label(shared: tuple[Service, int]) -> None:
    service, metrics_port = shared
    version = service.call("GET", "/health").json["data"]["version"]
    assert total(metrics_port, "tasks_build_info", version=version) == 1
    assert labels_of(metrics_port, "version") == {version}


def test_the_age_of_the_keys_grows_while_their_url_is_down(
    tmp_path: Path, database_url: str, metrics_port: int
) -> None:
    with serving(make_signer("EdDSA")) as keys:
        environ = {"DATABASE_URL": database_url, "JWKS_URL": keys.url, "METRICS_PORT": str(metrics_port)}
        with running(tmp_path / "service.log", WORKERS="1", **environ):
            wait_until(lambda: keys.requests)
            keys.stop()
            wait_until(lambda: total(metrics_port, "tasks_jwks_age_seconds") > 2)


def test_without_keys_their_age_is_not_reported(shared: tuple[Service, int]) -> None:
    _, metrics_port = shared
    assert "tasks_jwks_age_seconds" not in {metric.name for metric in scrape(metrics_port)}


def test_no_files_are_left_after_a_stop(service: Service, tmp_path: Path) -> None:
    assert list(tmp_path.glob("tasks-metrics-*"))
    assert service.stop() == 0
    assert not list(tmp_path.glob("tasks-metrics-*"))


def test_a_metrics_port_in_use_stops_the_start_with_one_line(tmp_path: Path, database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environ = {"DATABASE_URL": database_url, "BETTER_AUTH_SECRET": SECRET, "METRICS_PORT": str(port)}
        service = Service(tmp_path / "service.log", environ)
        assert service.process.wait(START_TIMEOUT) == 1
    refusal = rf"serve\.py: METRICS_PORT: cannot listen on 127\.0\.0\.1:{port}: .*; set another, such as "
    assert re.fullmatch(rf"{refusal}METRICS_PORT=\d+, .*\n", service.output)


def test_without_a_metrics_port_the_library_is_not_even_imported(make_client: Callable[..., object]) -> None:
    assert load_settings({}).metrics_port is None
    assert callable(main)
    program = "import serve, sys; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=PROJECT, timeout=180, check=False).returncode == 0

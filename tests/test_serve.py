"""The real `serve.py` through a real socket: start, stop, restart, and rejected settings."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest

from api.postgres.database import Database
from tests.support.processes import PATIENT, START_TIMEOUT, Service, running
from tests.support.signing import SECRET, token_for
from tests.support.waiting import wait_until

BASIS = {"BETTER_AUTH_SECRET": SECRET, **PATIENT}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "service.log"


def test_tasks_survive_a_restart(log: Path, create_database: Callable[[], str]) -> None:
    environ = {"DATABASE_URL": create_database(), **BASIS}
    token = token_for("ada")
    with running(log, **environ) as service:
        created = service.call("POST", "/api/tasks", {"title": "Outlive me"}, token=token)
        assert created.status == 201
        assert created.headers["location"] == f"/api/tasks/{created.json['data']['id']}"
        assert "server" not in created.headers
        assert service.stop() == 0
    with running(log, **environ) as service:
        assert service.call("GET", "/api/tasks", token=token).json == {"data": [created.json["data"]]}


def test_without_settings_it_runs_on_the_embedded_database_and_keeps_its_secret(log: Path, tmp_path: Path) -> None:
    account = {"email": "ada@example.com", "password": "correct horse"}
    with running(log, WORKERS="1", BCRYPT_COST="4") as service:
        token = service.call("POST", "/auth/register", account).json["data"]["token"]
        assert service.call("POST", "/api/tasks", {"title": "a"}, token=token).status == 201
    assert (tmp_path / "data" / "secret").stat().st_mode & 0o777 == 0o600
    with running(log, WORKERS="1", BCRYPT_COST="4") as service:
        assert [task["title"] for task in service.call("GET", "/api/tasks", token=token).json["data"]] == ["a"]


def test_the_embedded_database_survives_a_kill(log: Path) -> None:
    environ = {"WORKERS": "2", **BASIS}
    with running(log, **environ) as service:
        assert service.call("POST", "/api/tasks", {"title": "a"}, token=token_for("ada")).status == 201
        assert service.stop(signal.SIGKILL) == -signal.SIGKILL
    with running(log, **environ) as service:
        assert len(service.call("GET", "/api/tasks", token=token_for("ada")).json["data"]) == 1
        assert service.stop() == 0


def test_the_start_line_names_an_anonymous_user(log: Path, database_url: str) -> None:
    environ = {"DATABASE_URL": database_url, **BASIS, "WORKERS": "1"}
    with running(log, **environ, ANONYMOUS_USER="demo") as service:
        assert service.wait_for_event("ready")["anonymous_user"] == "demo"
        assert service.call("GET", "/api/demo/tasks").status == 200
        assert service.call("GET", "/api/demo/tasks", headers={"Host": "evil.example"}).status == 401
    with running(log.with_name("second.log"), **environ) as service:
        assert "anonymous_user" not in service.wait_for_event("ready")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_stop_signal_ends_it_with_status_0(
    log: Path, database_url: str, number: signal.Signals, workers: str
) -> None:
    with running(log, DATABASE_URL=database_url, **BASIS, WORKERS=workers) as service:
        assert service.stop(number) == 0
    assert "Traceback" not in service.output


def test_the_start_line_shows_the_addresses_and_no_password(log: Path, create_database: Callable[[], str]) -> None:
    parameters = psycopg2.extensions.parse_dsn(create_database())
    url = f"postgresql://{parameters['user']}:pass-word@/{parameters['dbname']}?host={parameters['host']}"
    with running(log, DATABASE_URL=url, **BASIS) as service:
        ready = service.wait_for_event("ready")
        assert ready["version"] == service.call("GET", "/health").json["data"]["version"]
    assert ready["api"] == f"http://127.0.0.1:{service.port}/api/tasks"
    assert ready["page"] == f"http://127.0.0.1:{service.port}/"
    assert ready["docs"] == f"http://127.0.0.1:{service.port}/docs"
    assert parameters["dbname"] in ready["database"]
    assert "pass-word" not in service.output
    assert SECRET not in service.output


@pytest.mark.parametrize(
    ("sql", "environ", "expected"),
    [
        ("", {}, "on"),
        ("", {"LOCAL_ACCOUNTS": "off"}, "off: LOCAL_ACCOUNTS is off"),
        ("CREATE TABLE users (id text PRIMARY KEY)", {}, "off: table users is another application's"),
    ],
)
def test_the_start_line_says_whether_users_can_register(
    log: Path, create_database: Callable[[], str], sql: str, environ: dict[str, str], expected: str
) -> None:
    url = create_database()
    if sql:
        database = Database(url, pool_size=1, statement_timeout=60, check_out_timeout=60)
        database.run(sql)
        database.close()
    with running(log, DATABASE_URL=url, **BASIS, WORKERS="1", **environ) as service:
        assert service.wait_for_event("ready")["accounts"].startswith(expected)
        registers = service.call("POST", "/auth/register", {}).status != 404
    assert registers == (expected == "on")


def test_a_request_is_one_log_line_without_private_data(log: Path, database_url: str) -> None:
    token = token_for("ada")
    with running(log, DATABASE_URL=database_url, **BASIS) as service:
        made = service.call("POST", "/api/tasks?search=private", {"title": "A private title"}, token=token)
        service.call("GET", "/api/tasks/x", token=token)
    created = service.wait_for_event("task_created")
    assert created["request_id"] == made.headers["x-request-id"]
    assert created["task_id"] == made.json["data"]["id"]
    assert (created["method"], created["path"], created["status"]) == ("POST", "/api/tasks", 201)
    assert created["user_id"] == "ada"
    assert created["ms"] > 0
    refused = service.wait_for_event("refused")
    assert (refused["status"], refused["reason"]) == (422, "validation_error")
    assert "private" not in service.output
    assert token not in service.output


@pytest.mark.parametrize("setting", ["PORT", "METRICS_PORT"])
def test_a_port_that_is_taken_ends_the_start_before_the_migrations(
    log: Path, create_database: Callable[[], str], setting: str
) -> None:
    url = create_database()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        service = Service(log, {"DATABASE_URL": url, **BASIS, setting: str(port)})
        assert service.process.wait(START_TIMEOUT) == 1
    [line] = service.output.splitlines()
    assert f"{setting}: cannot listen on 127.0.0.1:{port}: " in line
    assert f"such as {setting}={port + 1}" in line or port == 65_535
    with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("BETTER_AUTH_SECRET", "too short"),
        ("DATABASE_URL", "mysql://localhost/tasks"),
        ("WORKERS", "none"),
        ("CORS_ORIGINS", "*"),
        ("BETTER_AUTH_SECRET", "-----BEGIN PUBLIC KEY-----\\nnot a secret\\n-----END PUBLIC KEY-----"),
    ],
)
def test_an_invalid_setting_stops_the_start_with_one_line(
    log: Path, create_database: Callable[[], str], name: str, value: str
) -> None:
    service = Service(log, {"DATABASE_URL": create_database(), **BASIS, name: value})
    assert service.process.wait(START_TIMEOUT) == 1
    [line] = [line for line in service.output.splitlines() if not line.startswith("{")]
    assert re.search(f"{name}[ :]", line)
    assert "too short" not in service.output


def test_the_environment_overrides_a_dotenv_file(log: Path, database_url: str) -> None:
    dotenv = f"DATABASE_URL={database_url}\nBETTER_AUTH_SECRET={SECRET}\nWORKERS=0\n"
    (log.parent / ".env").write_text(dotenv, encoding="utf-8")
    assert Service(log, {}).process.wait(START_TIMEOUT) == 1
    with running(log, WORKERS="1") as service:
        assert service.call("GET", "/api/tasks", token=token_for("ada")).status == 200


def test_an_empty_value_in_dotenv_is_a_value(log: Path, database_url: str) -> None:
    dotenv = f"DATABASE_URL={database_url}\nBETTER_AUTH_SECRET={SECRET}\nWORKERS=1\nCORS_ORIGINS=\nRATE_LIMIT=\nPORT\n"
    (log.parent / ".env").write_text(dotenv, encoding="utf-8")
    with running(log) as service:
        listed = service.call("GET", "/api/tasks", token=token_for("ada"), headers={"Origin": "http://localhost:3000"})
    assert listed.status == 200
    assert "ratelimit" not in listed.headers
    assert "access-control-allow-origin" not in listed.headers


def test_a_port_in_use_stops_the_start_with_one_line(log: Path, database_url: str) -> None:
    environ = {"DATABASE_URL": database_url, **BASIS, "WORKERS": "1"}
    with running(log, **environ) as service:
        second = Service(log.with_name("second.log"), {**environ, "PORT": str(service.port)})
        assert second.process.wait(START_TIMEOUT) == 1
    reason = rf"cannot listen on 127\.0\.0\.1:{service.port}: Address already in use"
    assert re.fullmatch(rf"serve\.py: PORT: {reason}; set another, such as PORT=\d+, .*\n", second.output)


def test_a_port_in_use_is_reported_before_the_database_is_changed(
    log: Path, create_database: Callable[[], str]
) -> None:
    url = create_database()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        service = Service(log, {"DATABASE_URL": url, **BASIS, "PORT": port})
        assert service.process.wait(START_TIMEOUT) == 1
    database = Database(url, pool_size=1, statement_timeout=60, check_out_timeout=60)
    assert database.run("SELECT to_regclass('tasks')") == [(None,)]
    database.close()


def test_the_start_waits_for_the_database(log: Path, create_database: Callable[[], str], database: Database) -> None:
    url = create_database()
    name = url.rsplit("/", 1)[1].partition("?")[0]
    database.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    service = Service(log, {"DATABASE_URL": url, **BASIS, "WORKERS": "1"})
    try:
        service.wait_for_event("database not there yet, trying again")
        database.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        service.wait_until_ready()
    finally:
        service.stop()
    assert "Traceback" not in service.output


def test_a_worker_is_replaced_while_the_database_is_unreachable(
    log: Path, create_database: Callable[[], str], database: Database
) -> None:
    url = create_database()
    name = url.rsplit("/", 1)[1].partition("?")[0]
    with running(log, DATABASE_URL=url, **BASIS, WORKERS="2") as service:
        service.wait_for_event("ready")
        database.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        database.run("SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE datname = %s", (name,))
        killed = service.children()
        for worker in killed:
            os.kill(worker, signal.SIGKILL)
        wait_until(lambda: not set(service.children()) & set(killed), "the killed workers to be gone")
        wait_until(lambda: service.serves("/health"), "/health to be 200")
        assert service.call("GET", "/ready").status == 503
        database.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        service.wait_until_ready()
    assert "Traceback" not in service.output


def test_two_services_can_start_at_once_on_an_empty_database(log: Path, create_database: Callable[[], str]) -> None:
    environ = {"DATABASE_URL": create_database(), **BASIS, "WORKERS": "1"}
    services = [Service(log.with_name(f"{number}.log"), environ) for number in range(3)]
    try:
        for service in services:
            service.wait_until_ready()
    finally:
        statuses = [service.stop() for service in services]
    assert statuses == [0, 0, 0]
    migrated = [line["migration"] for service in services for line in service.events("migrated")]
    assert migrated == ["001_create_tables", "002_folded_text", "003_accounts"]

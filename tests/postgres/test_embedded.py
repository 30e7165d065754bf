"""The embedded PostgreSQL: kept across starts, shared, and stopped by its last user, even after others were killed."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import parse_dsn

from api.postgres import cluster
from api.postgres.embedded import EmbeddedError, start_embedded, stop_embedded
from tests.postgres.embedded import execute, kill_server, server_pid
from tests.support.processes import PROJECT

HOLD = """
import sys
from pathlib import Path
from api.postgres.embedded import start_embedded, stop_embedded

data_dir = Path(sys.argv[1])
print(start_embedded(data_dir), flush=True)
sys.stdin.read()
stop_embedded(data_dir)
"""


@contextmanager
def service(data_dir: Path, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """A process that uses the embedded server until its standard input closes."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(data_dir)],
        cwd=PROJECT,
        env={**os.environ, **environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_data_is_kept_and_text_is_unicode_in_any_locale(data_dir: Path) -> None:
    with service(data_dir, LC_ALL="C", PGPORT="6543", PGDATA="/nowhere") as process:
        url = url_of(process)
        execute(url, "CREATE TABLE notes AS SELECT lower('É') AS text")
        end(process)
    assert server_pid(data_dir) is None
    assert execute(start_embedded(data_dir), "SELECT text FROM notes") == [("é",)]


def test_only_the_owner_can_read_the_data_and_no_port_is_open(data_dir: Path) -> None:
    url = start_embedded(data_dir)
    assert data_dir.stat().st_mode & 0o066 == 0
    assert (data_dir / "postgres").stat().st_mode & 0o077 == 0
    assert execute(url, "SHOW listen_addresses") == [("",)]


def test_an_existing_directory_starts_without_a_pause(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start_embedded(data_dir)
    stop_embedded(data_dir)
    pauses: list[float] = []
    monkeypatch.setattr(cluster, "sleep", pauses.append)
    start_embedded(data_dir)
    assert pauses == []


def test_two_services_share_the_server_and_the_last_one_stops_it(data_dir: Path) -> None:
    with service(data_dir) as first, service(data_dir) as second:
        assert url_of(first) == url_of(second)
        end(first)
        assert server_pid(data_dir) is not None
        end(second)
    assert server_pid(data_dir) is None


def test_after_a_killed_service_a_clean_stop_stops_the_server(data_dir: Path) -> None:
    with service(data_dir) as killed, service(data_dir) as clean:
        url_of(killed)
        url_of(clean)
        killed.kill()
        killed.wait()
        end(clean)
    assert server_pid(data_dir) is None


def test_the_next_start_takes_over_a_running_server(data_dir: Path) -> None:
    with service(data_dir) as killed:
        url_of(killed)
        pid = server_pid(data_dir)
        killed.kill()
        killed.wait()
    start_embedded(data_dir)
    assert server_pid(data_dir) == pid
    stop_embedded(data_dir)
    assert server_pid(data_dir) is None


def test_a_killed_server_restarts_with_all_committed_data(data_dir: Path) -> None:
    url = start_embedded(data_dir)
    execute(url, "CREATE TABLE notes AS SELECT 1 AS id")
    kill_server(data_dir)
    assert execute(start_embedded(data_dir), "SELECT id FROM notes") == [(1,)]


def test_a_stale_pid_file_with_a_reused_process_id_is_detected(data_dir: Path) -> None:
    cluster = data_dir / "postgres"
    start_embedded(data_dir)
    left = {cluster / name: (cluster / name).read_text() for name in ("postmaster.pid", ".s.PGSQL.5432.lock")}
    stop_embedded(data_dir)
    # PostgreSQL checks only for processes of its own account.
    user = {"user": cluster.stat().st_uid} if os.geteuid() == 0 else {}
    with subprocess.Popen(["sleep", "600"], **user) as other:  # type: ignore[call-overload]
        for file, text in left.items():
            file.write_text("\n".join([str(other.pid), *text.splitlines()[1:]]) + "\n")
        try:
            assert execute(start_embedded(data_dir), "SELECT 1") == [(1,)]
        finally:
            other.kill()


def test_the_servers_log_holds_neither_statements_nor_rows(data_dir: Path) -> None:
    url = start_embedded(data_dir)
    execute(url, "CREATE TABLE accounts (email text PRIMARY KEY, hash text)")
    for _ in range(2):
        with contextlib.suppress(psycopg2.errors.UniqueViolation):
            execute(url, "INSERT INTO accounts VALUES ('ada@example.com', '$2b$12$secret')")
    stop_embedded(data_dir)
    log = "".join(path.read_text() for path in data_dir.rglob("*log*") if path.is_file())
    assert "duplicate key" in log
    assert "ada@example.com" not in log
    assert "$2b$" not in log


@pytest.mark.parametrize("name", ["it's my data, really", "x" * 120])
def test_a_data_directory_may_have_any_path(empty_dir: Path, name: str) -> None:
    odd = empty_dir / name
    try:
        url = start_embedded(odd)
        assert execute(url, "SELECT current_database()") == [("tasks",)]
    finally:
        stop_embedded(odd)
    assert server_pid(odd) is None
    socket_dir = Path(parse_dsn(url)["host"])
    assert not socket_dir.exists() or socket_dir == odd / "postgres"


def test_a_relative_path_is_the_same_directory(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data_dir.parent)
    assert start_embedded(Path("data")) == start_embedded(data_dir)


def test_an_interrupted_initialization_starts_over(empty_dir: Path) -> None:
    unfinished = empty_dir / "postgres.new"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    assert execute(start_embedded(empty_dir), "SELECT 1") == [(1,)]


def test_another_major_version_is_reported_in_one_line(empty_dir: Path) -> None:
    cluster = empty_dir / "postgres"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedError, match=r"\A[^\n]*PostgreSQL 17[^\n]*dump[^\n]*restore[^\n]*\Z"):
        start_embedded(empty_dir)


def test_an_unusable_directory_is_reported_in_one_line(empty_dir: Path) -> None:
    empty_dir.parent.joinpath("file").write_text("")
    with pytest.raises(EmbeddedError, match=r"\A[^\n]+\Z"):
        start_embedded(empty_dir.parent / "file" / "data")


def test_a_server_that_cannot_start_reports_the_reason(data_dir: Path) -> None:
    start_embedded(data_dir)
    stop_embedded(data_dir)
    (data_dir / "postgres" / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedError, match="pg_control"):
        start_embedded(data_dir)


FORK = """
import os, sys
from pathlib import Path
from api.postgres.embedded import start_embedded, stop_embedded

data_dir = Path(sys.argv[1])
start_embedded(data_dir)
child = os.fork()
if child == 0:
    stop_embedded(data_dir)
    sys.exit()
os.waitpid(child, 0)
assert (data_dir / "postgres" / "postmaster.pid").exists()
"""


def test_the_parents_end_stops_the_server_and_a_forked_childs_end_does_not(data_dir: Path) -> None:
    subprocess.run([sys.executable, "-c", FORK, str(data_dir)], cwd=PROJECT, check=True, timeout=120)
    assert (data_dir / "postgres").exists()
    assert server_pid(data_dir) is None


def test_a_directory_of_another_account_is_refused_with_the_remedy(
    template: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = base / "copied"
    shutil.copytree(template, data_dir, ignore=shutil.ignore_patterns(".postgres*"))
    if os.geteuid() != 0:
        monkeypatch.setattr(os, "geteuid", lambda: pwd.getpwnam("nobody").pw_uid)
    # Root's copy belongs to root.
    with pytest.raises(EmbeddedError, match=r"postgres belongs to \w+, and PostgreSQL runs as \w+: chown -R \w+ /"):
        start_embedded(data_dir)


def test_paths_that_are_too_long_for_a_socket_are_refused_with_the_remedy(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = base / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with pytest.raises(
        EmbeddedError, match=r"too long for a socket \(103 bytes\): set DATA_DIR or TMPDIR to a shorter"
    ):
        start_embedded(long / "data")

"""The benchmark: its smallest runs, and its message if wrk is missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from bench import limits
from bench.load import Measurement
from bench.results import Cell, Results, Sample
from bench.running import Memory
from bench.targets import targets
from tests.better_auth.servers import require_node
from tests.support.processes import PATIENT, PROJECT, without_coverage
from tests.support.programs import find_program

SMALLEST = ("--services", "ours", "--scenarios", "get-one", "--seconds", "1", "--rounds", "1", "--table-only")


def bench(*arguments: str, module: str = "bench", path: str | None = None) -> subprocess.CompletedProcess[str]:
    # Coverage would report files of another version, which are gone by then.
    environ = {**without_coverage(), **PATIENT, "PATH": os.environ["PATH"] if path is None else path}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=PROJECT, env=environ, capture_output=True, text=True, timeout=600, check=False)


def test_the_smallest_run_gets_every_response_and_writes_its_report(tmp_path: Path) -> None:
    find_program("wrk")
    report = tmp_path / "results.md"
    run = bench(*SMALLEST, "--output", str(report))
    assert run.returncode == 0, run.stderr
    text = report.read_text()
    assert run.stdout.strip() == text.strip()
    cell = re.search(r"^\| get-one: .* \| ([\d,]+) · ([\d,]+) \+ ([\d,]+) · [\d.,]+ \|$", text, re.MULTILINE)
    assert cell is not None
    assert all(int(figure.replace(",", "")) > 0 for figure in cell.groups())
    assert re.search(r"^\| ours \| 0 of [\d,]+ \|", text, re.MULTILINE), text


def test_the_peers_that_do_the_same_work_hold_the_contract(tmp_path: Path) -> None:
    find_program("wrk")
    require_node()
    services = ("--services", "ours", "asyncpg-same", "fastify-same", "--scenarios", "create")
    arguments = (*services, "--seconds", "1", "--rounds", "1", "--table-only", "--output", str(tmp_path / "results.md"))
    run = bench(*arguments)
    assert run.returncode == 0, run.stderr
    assert "## Requests a second, doing the same work" in run.stdout
    assert re.findall(r"^\| .*, same work \| 0 of", run.stdout, re.MULTILINE) == [
        "| FastAPI + asyncpg, same work | 0 of",
        "| Fastify + pg, same work | 0 of",
    ]


def test_three_servers_are_measured_without_a_failed_request() -> None:
    find_program("wrk")
    run = bench("--scenarios", "get-one", "--seconds", "1", "--rounds", "1", module="bench.servers")
    assert run.returncode == 0, run.stderr
    row = r"^\| `GET /api/tasks/\{id\}` \| (\w+) \| ([\d,]+) \| ([\d,]+) \| .* \| 0 \|$"
    rows = re.findall(row, run.stdout, re.MULTILINE)
    assert [server for server, _, _ in rows] == ["waitress", "ours", "granian"], run.stdout
    for _, service, database in rows:
        # Microseconds, in a wide range: another or a busy machine takes longer.
        assert 10 < int(service.replace(",", "")) < 10_000
        assert 10 < int(database.replace(",", "")) < 10_000


def cell(p50_ms: float, p99_ms: float) -> Cell:
    return Cell([Sample(Measurement(1000, 1.0, p50_ms, p99_ms, p99_ms, p99_ms, 0, 0, 0), 0.1, 0.1)])


def test_the_slowest_requests_are_judged_beside_the_median_and_beside_granian() -> None:
    results = Results({"granian": "ours on granian"}, ["get-one", "list-of-1000"], 64, 1.0, 1, 2, [])
    results.memory["ours"] = Memory(1, 1, 1)
    results.cells = {
        ("ours", "get-one"): cell(10, 30),
        ("granian", "get-one"): cell(10, 30),
        ("ours", "list-of-1000"): cell(10, 400),
    }
    results.at_1000 = {("ours", "get-one"): cell(10, 31), ("granian", "get-one"): cell(10, 30)}
    verdicts = {target.text: (target.met, target.measured) for target in targets(results) if "p99" in target.text}
    assert verdicts == {
        "p99 at most 3 times p50 at 64 connections": (True, "3.0 (get-one)"),
        "p99 at 64 connections at most that of ours on granian": (True, "1.00 times (get-one)"),
        "p99 at most 3 times p50 at 1,000 connections": (False, "3.1 (get-one)"),
        "p99 at 1,000 connections at most that of ours on granian": (False, "1.03 times (get-one)"),
    }


def test_another_commit_is_compared_with_the_present_files() -> None:
    run = bench("HEAD", "--requests", "40", "--rounds", "1", module="bench.compare")
    assert run.returncode == 0, run.stderr
    rows = re.findall(r"^\| ([a-z0-9-]+) \| [\d,]+ \| [\d,]+ \| [\d.]+ \|", run.stdout, re.MULTILINE)
    assert rows == ["get-one", "list-of-20", "list-of-100", "list-of-1000", "create", "toggle"], run.stdout


def test_a_commit_that_does_not_exist_is_named() -> None:
    run = bench("no-such-commit", module="bench.compare")
    assert run.returncode == 1
    assert "no-such-commit is no commit of this clone" in run.stderr
    assert "Traceback" not in run.stderr


def test_writes_are_measured_with_both_versions() -> None:
    run = bench("--tasks", "2000", "--turns", "1", module="bench.write_costs")
    assert run.returncode == 0, run.stderr
    rows = re.findall(
        r"^\| ([^|]+) \| ([\d,]+) \| ([\d,]+) \| [\d.]+ \| ([\d,]+) \| ([\d,]+) \|", run.stdout, re.MULTILINE
    )
    assert {"toggle", "title", "due date", "create", "create with a key", "delete"} <= {row[0] for row in rows}
    for _, *processor, _, _ in rows:
        # Microseconds: a wide range, as another machine or a busy one takes longer.
        assert all(5 < int(figure.replace(",", "")) < 20_000 for figure in processor), rows


def test_an_install_of_the_version_before_is_upgraded_under_load() -> None:
    run = bench("--tasks", "12000", "--beside", "2", "--rate", "50", module="bench.upgrade")
    assert run.returncode == 0, run.stderr
    phases = re.findall(r"^\| ([a-z ]+) \| [\d.]+ \| ([\d,]+) \| (\d+) \|", run.stdout, re.MULTILINE)
    assert [name for name, _, _ in phases] == ["before", "start and migration", "background job", "after the job"]
    assert [failed for _, _, failed in phases] == ["0"] * 4, run.stdout
    assert re.search(r"text of \d+ tasks folded, none left", run.stdout), run.stdout
    assert "After the rollback 11 calls, 0 not 2xx" in run.stdout


def test_without_wrk_it_says_what_to_install(tmp_path: Path) -> None:
    run = bench(*SMALLEST, "--output", str(tmp_path / "results.md"), path=str(tmp_path))
    assert run.returncode == 1
    assert "apt-get install wrk" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_statement_that_postgresql_alone_is_measured_with_is_the_services() -> None:
    recorder = limits.get_one("ada")
    assert 'FROM "tasks"' in recorder.sql
    assert list(recorder.parameters) == ["ada", 1]


def test_the_smallest_run_beside_a_heavy_user_loses_no_read() -> None:
    run = bench("--seconds", "1", "--tasks", "200", module="bench.fairness")
    assert run.returncode == 0, run.stderr
    rows = [line.split(" | ") for line in run.stdout.splitlines() if line.startswith("| ")][2:]
    assert len(rows) == 4, run.stdout
    assert [row[4] for row in rows] == ["0"] * 4, run.stdout

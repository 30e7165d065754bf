"""The benchmark: its smallest runs, and its message if wrk is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from bench import limits
from tests.support.processes import PROJECT
from tests.support.programs import missing

SMALLEST = ("--services", "ours", "--scenarios", "get-one", "--seconds", "1", "--rounds", "1", "--table-only")


def bench(*arguments: str, module: str = "bench", path: str | None = None) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PATH": os.environ["PATH"] if path is None else path}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=PROJECT, env=environ, capture_output=True, text=True, timeout=180, check=False)


def test_the_smallest_run_gets_every_response_and_writes_its_report(tmp_path: Path) -> None:
    if shutil.which("wrk") is None:
        missing("wrk is needed: apt install wrk")
    report = tmp_path / "results.md"
    run = bench(*SMALLEST, "--output", str(report))
    assert run.returncode == 0, run.stderr
    text = report.read_text()
    assert run.stdout.strip() == text.strip()
    rate = re.search(r"^\| get-one: .* \| ([\d,]+) \|$", text, re.MULTILINE)
    assert rate is not None
    assert int(rate[1].replace(",", "")) > 0
    assert re.search(r"^\| ours \| 0 of [\d,]+ \|", text, re.MULTILINE), text


def test_three_servers_are_measured_without_a_failed_request() -> None:
    run = bench("--scenarios", "get-one", "--seconds", "1", "--rounds", "1", module="bench.servers")
    assert run.returncode == 0, run.stderr
    row = r"^\| `GET /api/tasks/\{id\}` \| (\w+) \| ([\d,]+) \| ([\d,]+) \| .* \| 0 \|$"
    rows = re.findall(row, run.stdout, re.MULTILINE)
    assert [server for server, _, _ in rows] == ["waitress", "ours", "granian"], run.stdout
    for _, service, database in rows:
        # Microseconds, in a wide range: another or a busy machine takes longer.
        assert 10 < int(service.replace(",", "")) < 10_000
        assert 10 < int(database.replace(",", "")) < 10_000


def test_without_wrk_it_says_what_to_install(tmp_path: Path) -> None:
    run = bench(*SMALLEST, "--output", str(tmp_path / "results.md"), path=str(tmp_path))
    assert run.returncode == 1
    assert "apt-get install wrk" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_statement_that_postgresql_alone_is_measured_with_is_the_services() -> None:
    recorder = limits.get_one("ada")
    assert 'FROM "tasks"' in recorder.sql
    assert list(recorder.parameters) == ["ada", 1]

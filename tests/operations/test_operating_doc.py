"""docs/operating.md: its commands run as printed, in order, and its tables match the code."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sysconfig
from pathlib import Path

from api import metrics
from api.command_line import COMMANDS, describe_settings
from api.postgres import database, pool
from tests.operations.messages import log_lines, refusals
from tests.support.ports import free_port
from tests.support.processes import PATIENT, PROJECT, Program
from tests.support.programs import find_program

DOCUMENT = (PROJECT / "docs" / "operating.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
TIMEOUT = 600.0


def test_its_commands_serve_observe_back_up_and_restore_an_instance(tmp_path: Path) -> None:
    for program in ("curl", "openssl", "promtool"):
        find_program(program)
    for name in ("serve.py", "api", "migrations", "deploy"):
        (tmp_path / name).symlink_to(PROJECT / name)
    port, metrics_port = str(free_port()), str(free_port())
    numbered = "".join(f"echo '== block {number}'\n{block}\n" for number, block in enumerate(BLOCKS))
    script = "set -euo pipefail\n" + numbered.replace(":8000", f":{port}").replace("9464", metrics_port)
    environ = {
        "PATH": f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "PORT": port,
        "BCRYPT_COST": "4",
        **PATIENT,
    }
    log = tmp_path / "output.txt"
    script_run = Program(["bash", "-c", script], log, cwd=tmp_path, environ=environ, new_session=True)
    try:
        status = script_run.process.wait(TIMEOUT)
    finally:
        stop_all_of(script_run.process.pid)
    shown = script_run.output
    assert status == 0, shown + (tmp_path / "service.log").read_text(encoding="utf-8")
    assert shown.count("== block ") == len(BLOCKS)
    assert "tasks_http_requests_total{" in shown
    # Created, found after the restore, and found after the change of secret, each time with the same token; exported.
    assert shown.count("Survive the night") == 4, shown
    assert "\tlocal\t" in shown
    assert (tmp_path / "tasks.dump").stat().st_size > 1000
    assert "Traceback" not in (tmp_path / "service.log").read_text(encoding="utf-8")


def stop_all_of(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)


def table_under(heading: str) -> list[list[str]]:
    """The cells of the first table after a heading, without its head."""
    section = DOCUMENT.split(f"# {heading}\n", 1)[1]
    table = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert table is not None, heading
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table[0].strip().splitlines()]
    return rows[2:]


def names_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_its_settings_are_those_of_the_code() -> None:
    expected = [[f"`{s.name}`", f"`{s.default}`" if s.default else "", s.meaning] for s in describe_settings()]
    assert table_under("Settings") == expected, "\n" + "\n".join(f"| {' | '.join(row)} |" for row in expected)


def test_its_commands_are_those_of_the_code() -> None:
    assert table_under("Commands") == [[f"`{command.usage}`", command.meaning] for command in COMMANDS]


def test_its_metrics_are_those_of_the_code() -> None:
    source = Path(metrics.__file__).read_text(encoding="utf-8")
    kinds = re.findall(r'(Counter|Histogram|Gauge)\(\s*"(tasks_\w+)"', source)
    expected = {name + ("_total" if kind == "Counter" else "") for kind, name in kinds}
    assert {names_in(row[0])[0] for row in table_under("Metrics")} == expected
    assert len(expected) == 12


def test_every_kind_of_database_error_is_explained() -> None:
    sources = "".join(Path(module.__file__ or "").read_text(encoding="utf-8") for module in (database, pool))
    kinds = set(re.findall(r'_Fault\("(\w+)"', sources)) | set(re.findall(r'_failure = "(\w+)"', sources))
    kinds |= set(re.findall(r'errors\["(\w+)"\]', sources)) | set(re.findall(r'renew\("(\w+)"\)', sources))
    assert len(kinds) > 15
    explained = {name for row in table_under("When an alert fires") for name in names_in(row[0])}
    assert kinds <= explained, kinds - explained


def test_every_event_of_the_log_is_listed() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in [*PROJECT.glob("api/*.py"), PROJECT / "serve.py"])
    events = set(re.findall(r'"(tasks?_(?:created|replayed|updated|completed|reopened|deleted))"', sources))
    events |= set(re.findall(r'\.event = "(\w+)"', sources)) | {"request", "refused", "failed", "migrated", "ready"}
    listed = {name for row in table_under("The log") for name in names_in(row[0])}
    assert events == listed, events ^ listed


def explained(row: str, messages: set[str]) -> set[str]:
    """The messages that a line of a table, with `…` for any text, is about."""
    pattern = re.compile(".*".join(map(re.escape, row.split("…"))))
    return set(filter(pattern.fullmatch, messages))


def test_every_message_for_operators_has_a_remedy() -> None:
    rows = {name for heading in ("Refusals", "Log lines") for row in table_under(heading) for name in names_in(row[0])}
    rows_of_upgrades = {name for row in table_under("Upgrade without downtime") for name in names_in(row[0])}
    refused, logged = refusals(), log_lines()
    assert len(refused) > 40
    assert len(logged) > 20
    by_row = {row: explained(row, refused | logged) for row in rows | rows_of_upgrades}
    assert (refused | logged) - set().union(*by_row.values()) == set()
    outdated = {row for row in rows if not by_row[row]}
    assert outdated == set()
    # No row explains everything.
    assert max(len(by_row[row]) for row in rows) < 30


def test_every_path_it_names_exists() -> None:
    named = re.findall(r"`((?:deploy|docs)/[\w./-]+|[\w.-]+\.(?:lock|yaml)|Dockerfile)`", DOCUMENT)
    assert len(named) > 8
    assert [path for path in named if not (PROJECT / path).exists()] == []

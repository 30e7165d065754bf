"""The README: its commands run as printed, and its paths and settings exist."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

from api.command_line import describe_settings
from tests.support.ports import free_port
from tests.support.processes import PATIENT, PROJECT, START_TIMEOUT, WebServer, running

README = (PROJECT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_setup_is_exactly_two_commands() -> None:
    assert [command.strip() for command in COMMANDS if command.startswith("make ")] == ["make run", "make test"]


def test_make_run_starts_the_service_without_settings(tmp_path: Path) -> None:
    port = free_port()
    environ = {**os.environ, "PORT": str(port), "DATA_DIR": str(tmp_path / "data")}
    service = WebServer(["make", "run"], tmp_path / "run.log", port=port, environ=environ, new_session=True)
    try:
        service.wait_until_ready(120)
        assert b"<html" in service.call("GET", "/").body
    finally:
        # Ctrl-C in a terminal signals both make and the service.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(service.process.pid, signal.SIGINT)
        service.process.wait(START_TIMEOUT)
    assert "Traceback" not in service.output


def test_the_calls_work_as_printed(tmp_path: Path) -> None:
    calls = [command for command in COMMANDS if "curl" in command]
    assert len(calls) == 4
    with running(tmp_path / "service.log", WORKERS="1", BCRYPT_COST="4", **PATIENT) as service:
        script = "set -eu\n" + "\n".join(f"{call}\necho" for call in calls)
        # The second time the account is there already.
        printed_lines = [run_script(script.replace("localhost:8000", f"localhost:{service.port}")) for _ in range(2)]
    registered, created, listed = printed_lines[0]
    assert registered["data"]["user"]["email"] == "ada@example.com"
    assert created["data"]["title"] == "Buy milk"
    assert listed == {"data": [created["data"]]}
    assert printed_lines[1][0]["error"]["code"] == "EMAIL_TAKEN"
    assert len(printed_lines[1][2]["data"]) == 2
    printed = re.search(r"^```json\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert printed is not None
    assert list(json.loads(printed[1])["data"][0]) == list(created["data"])


def run_script(script: str) -> list[Any]:
    """The JSON documents that a script prints, each on a line."""
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.split("\n") if line]


def test_every_path_it_names_exists() -> None:
    named = re.findall(
        r"`((?:api|bench|clients|deploy|docs|migrations|tests)/[^`{}]*|serve\.py|\.env\.example)`", README
    )
    named += re.findall(r"\]\((docs/[^)]+)\)", README)
    assert len(named) > 20
    missing = [path for path in named if not (PROJECT / path).exists()]
    assert missing == []


def test_the_settings_it_lists_exist_with_these_defaults() -> None:
    defaults = {setting.name: setting.default for setting in describe_settings()}
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \| (.+?) \|", README.partition("## Settings")[2], re.MULTILINE)
    assert len(rows) == 6
    for named, shown in rows:
        expected = [defaults[name] for name in in_code(named)]
        if any(expected):
            assert in_code(shown) == expected, named
        else:
            # A default described in words may name another setting.
            assert set(in_code(shown)) <= set(defaults), named


def in_code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)

"""The options of `serve.py`, and the text of --help."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from api.command_line import COMMANDS, describe_settings, help_text
from api.settings import SETTINGS
from serve import main
from tests.support.processes import PROJECT


def test_help_names_every_setting_with_its_default_and_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"], {}) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert shown == " ".join(help_text().split())
    for name, default, meaning in describe_settings():
        assert f"{name} {meaning}" in shown
        assert not default or f"{meaning} [{default}]" in shown
    assert [described.name for described in describe_settings()] == list(SETTINGS)


def test_help_names_every_command_with_its_meaning() -> None:
    lines = [line.split() for line in help_text().splitlines()]
    assert len(COMMANDS) == 10
    for command in COMMANDS:
        assert [*command.usage.split(), *command.meaning.split()] in lines
    assert max(map(len, help_text().partition("Settings, each")[0].splitlines())) <= 110


def test_help_fits_a_terminal_and_ends_with_examples() -> None:
    assert max(map(len, help_text().splitlines())) <= 110
    assert "\n  BETTER_AUTH_SECRETS  several secrets" in help_text()
    assert "Examples:" in help_text()


def test_help_looks_the_same_on_every_machine() -> None:
    assert {described.name: described.default for described in describe_settings()}["WORKERS"] == ""


@pytest.mark.parametrize(
    "arguments", [["--chek"], ["--chec"], ["chek"], ["--check", "now"], ["--port", "80"], ["-v"], [""]]
)
def test_an_invalid_option_is_one_line_and_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments, {}) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "--help" in printed.err


def test_two_options_together_are_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", "--help"], {}) == 2
    printed = capsys.readouterr()
    assert "--check" in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)


@pytest.mark.parametrize("option", ["--help", "--check", "--version"])
def test_a_closed_output_pipe_prints_no_error(option: str) -> None:
    command = [sys.executable, str(PROJECT / "serve.py"), option]
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        environ = {"DATA_DIR": "/nowhere"}
        done = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, env=environ, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (1, b"")


def test_help_says_which_settings_may_stand_in_a_file() -> None:
    text = " ".join(help_text().split())
    names = "DATABASE_URL, BETTER_AUTH_SECRET, BETTER_AUTH_SECRETS, RATE_LIMIT_STORAGE"
    assert f"{names} may also stand in a file, which the name with _FILE names." in text

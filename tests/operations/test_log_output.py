"""The log when it cannot be written, and what it must never contain."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest
import structlog
from falcon.testing import TestClient

from api.logs import configure_logging
from tests.support.callers import Caller
from tests.support.postgres import connect
from tests.support.processes import PATIENT, START_TIMEOUT, Service, running
from tests.support.signing import SECRET, token_for
from tests.support.waiting import wait_until


@pytest.fixture
def to_standard_output() -> Iterator[Callable[[str], object]]:
    """A function that sets the log up as the service does; reset afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield partial(configure_logging, "info")
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_closed_log_pipe_fails_no_request_and_ends_no_worker(tmp_path: Path, database_url: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    environ = {"DATABASE_URL": database_url, "BETTER_AUTH_SECRET": SECRET, "WORKERS": "2", **PATIENT}
    service = Service(pipe, environ)
    try:
        written = bytearray()

        def is_ready() -> bool:
            written.extend(_read(reader))
            return b'"ready"' in written

        wait_until(is_ready, "the line that says ready", START_TIMEOUT)
        first, second = service.children()
        os.close(reader)
        token = token_for("ada")
        assert [service.call("POST", "/api/tasks", {"title": "kept"}, token=token).status for _ in range(4)] == [
            201
        ] * 4
        os.kill(second, signal.SIGTERM)
        wait_until(lambda: second not in service.children() and len(service.children()) == 2)
        assert first in service.children()
        assert service.call("GET", "/health").status == 200
    finally:
        assert service.stop() == 0


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except BlockingIOError:
        return b""


def test_an_unforeseen_error_of_the_database_is_logged_without_the_row(
    tmp_path: Path, create_database: Callable[[], str]
) -> None:
    url = create_database()
    log = tmp_path / "log"
    with running(log, DATABASE_URL=url, BETTER_AUTH_SECRET=SECRET, WORKERS="1", **PATIENT) as service:
        database = connect(url)
        database.run("ALTER TABLE tasks ADD CONSTRAINT no_secrets CHECK (title <> 'very private')")
        database.close()
        assert service.call("POST", "/api/tasks", {"title": "very private"}, token=token_for("ada")).status == 500
        [event] = wait_until(
            lambda: [event for event in service.events("unforeseen error") if "exception" in event], "its line"
        )
    assert "no_secrets" in event["exception"]
    assert "very private" not in log.read_text()


@pytest.mark.parametrize("format", ["text", "json"])
def test_a_traceback_shows_no_values(
    to_standard_output: Callable[[str], object], capfd: pytest.CaptureFixture[str], format: str
) -> None:
    to_standard_output(format)
    title = "very private"
    try:
        raise RuntimeError("provoked")
    except RuntimeError:
        logging.getLogger("api.errors").exception("unforeseen error")
    sys.stdout.flush()
    written = capfd.readouterr().out
    assert "provoked" in written
    assert title not in written


def test_the_text_log_escapes_control_characters_of_a_path(
    to_standard_output: Callable[[str], object],
    capfd: pytest.CaptureFixture[str],
    make_client: Callable[..., TestClient],
    user: Caller,
) -> None:
    to_standard_output("text")
    for path in ("/x\x1b[2Jcleared\nforged", "/x\x1b]0;title\x07\x9b"):
        make_client().simulate_get(quote(path))
    sys.stdout.flush()
    written = capfd.readouterr().out
    assert "cleared" in written
    assert not [character for character in written if not character.isprintable() and character != "\n"]
    assert len(written.splitlines()) == 2


HIDDEN = [
    *map(chr, (*range(0x01, 0x20), *range(0x7F, 0xA0), 0xAD, 0x061C, 0x180E)),
    *map(chr, (*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2065), *range(0x2066, 0x2070))),
    *map(chr, (0xFEFF, *range(0xFFF9, 0xFFFC), 0x1D173, 0xE0001, *range(0xE0020, 0xE0080), 0x10FFFF)),
]
"""Control characters, marks of direction, separators of lines, and other characters that are not seen."""


def written_to(capfd: pytest.CaptureFixture[str]) -> str:
    sys.stdout.flush()
    return capfd.readouterr().out


def test_no_hidden_character_reaches_a_json_log_line_and_none_is_lost(
    to_standard_output: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    to_standard_output("json")
    text = f"Grüße {''.join(HIDDEN)} 👍"
    structlog.get_logger().info("request", path=text, details=[text])
    logging.getLogger("api.server").warning("about %s", text)
    try:
        raise RuntimeError(text)
    except RuntimeError:
        logging.getLogger("api.errors").exception("unforeseen error")
    lines = written_to(capfd).split("\n")
    assert lines.pop() == ""
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)
    events = [json.loads(line) for line in lines]
    assert (events[0]["path"], events[0]["details"]) == (text, [text])
    assert events[1]["event"] == f"about {text}"
    assert text in events[2]["exception"]
    assert "Grüße" in lines[0]


def test_a_delete_character_is_escaped_also_in_a_line_of_ascii(
    to_standard_output: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    to_standard_output("json")
    structlog.get_logger().info("request", path="/a\x7fb")
    [line] = written_to(capfd).splitlines()
    assert "\\u007f" in line
    assert json.loads(line)["path"] == "/a\x7fb"


def test_no_hidden_character_reaches_a_text_log_line(
    to_standard_output: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    to_standard_output("text")
    text = f"Grüße {''.join(HIDDEN)} 👍"
    structlog.get_logger().info("request", path=text)
    logging.getLogger("api.server").warning("about %s", text)
    lines = written_to(capfd).split("\n")
    assert lines.pop() == ""
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)
    assert all("Grüße" in line and "\\u202e" in line for line in lines)


def test_a_traceback_in_the_text_log_forges_no_line(
    to_standard_output: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    to_standard_output("text")
    try:
        raise RuntimeError("one\n2026-01-01T00:00:00Z [info] forged \u202e\x1b[2J")
    except RuntimeError:
        logging.getLogger("api.errors").exception("unforeseen error")
    lines = written_to(capfd).rstrip("\n").split("\n")
    assert "unforeseen error" in lines[0]
    assert any("forged" in line for line in lines[1:])
    assert all(line.startswith("  ") and line.isprintable() for line in lines[1:])


def test_json_log_lines_are_valid_json_for_any_path(
    to_standard_output: Callable[[str], object],
    capfd: pytest.CaptureFixture[str],
    make_client: Callable[..., TestClient],
) -> None:
    to_standard_output("json")
    make_client().simulate_get(quote("/x\x1b\n\x9b\u2028"))
    sys.stdout.flush()
    [line] = capfd.readouterr().out.strip().split("\n")
    assert json.loads(line)["status"] == 404

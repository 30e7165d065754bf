"""The start and `--check` warn if browsers drop the cookie, because page and service have different hosts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from api.session_cookie import pages_on_another_host
from serve import main
from tests.support.processes import UNLIMITED, running

COOKIE = 'summary = "Mine."\n[accounts.cookie]\nname = "sid"\n'
LOCAL = "http://localhost:3000"
ADDRESS = "http://127.0.0.1:3000"
PAGES = (LOCAL, ADDRESS, "http://[::1]:3000", "https://app.example.com")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", [LOCAL, "http://[::1]:3000"]),
        ("localhost", [ADDRESS, "http://[::1]:3000"]),
        ("::1", [LOCAL, ADDRESS]),
        ("0.0.0.0", []),
        ("api.example.com", []),
    ],
)
def test_a_page_on_another_host_of_this_machine_gets_no_cookie(host: str, expected: list[str]) -> None:
    assert pages_on_another_host({"name": "sid"}, host, PAGES) == expected


def test_nothing_is_dropped_without_a_cookie_or_with_one_for_other_sites() -> None:
    assert pages_on_another_host(None, "127.0.0.1", PAGES) == []
    assert pages_on_another_host({"name": "sid", "same_site": "none"}, "127.0.0.1", PAGES) == []


def test_without_origins_the_usual_page_is_assumed() -> None:
    assert pages_on_another_host({"name": "sid"}, "127.0.0.1", None) == [LOCAL]
    assert pages_on_another_host({"name": "sid"}, "127.0.0.1", ()) == []


@pytest.mark.parametrize(
    ("profile", "origins", "warnings"),
    [
        (COOKIE, LOCAL, [[LOCAL]]),
        (COOKIE, ADDRESS, []),
        (COOKIE + 'same_site = "none"\n', LOCAL, []),
        ('summary = "Mine."\n', LOCAL, []),
    ],
)
def test_the_start_warns(
    tmp_path: Path, create_database: Callable[[], str], profile: str, origins: str, warnings: list[list[str]]
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(profile, encoding="utf-8")
    settings = {**UNLIMITED, "WORKERS": "1", "CORS_ORIGINS": origins, "FRONTEND": str(path)}
    with running(tmp_path / "service.log", DATABASE_URL=create_database(), **settings) as service:
        assert service.wait_for_event("ready")["frontend"] == "mine"
    assert [event["pages"] for event in service.events("browsers drop the cookie")] == warnings


def test_the_check_says_what_is_served_and_warns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(COOKIE, encoding="utf-8")
    assert main(["--check"], {"FRONTEND": "mine.toml", "CORS_ORIGINS": LOCAL}) == 0
    line = capsys.readouterr().out.splitlines()[1]
    expected = (
        f"mine, tasks at /api/tasks; browsers drop the cookie if a page of {LOCAL} calls the service by 127.0.0.1"
    )
    assert line.split(maxsplit=1) == ["frontend", f"ok: {expected}"]
    assert main(["--check"], {"FRONTEND": "bare"}) == 0
    assert capsys.readouterr().out.splitlines()[1].split(maxsplit=1) == ["frontend", "ok: bare, tasks at /tasks"]

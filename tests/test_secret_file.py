"""The secret beside the embedded database: made once, its owner's alone, and never a weak one."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from api.secret_file import load_or_create_secret


@pytest.mark.parametrize("folder", ["", "data", "var/data"])
def test_it_is_made_once_and_its_owners_alone(tmp_path: Path, folder: str) -> None:
    path = tmp_path / folder / "secret"
    secret = load_or_create_secret(path)
    assert load_or_create_secret(path) == secret
    assert len(secret) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_first_of_two_processes_that_make_it_at_once_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret"
    link = os.link

    def link_late(draft: Path, target: Path) -> None:
        target.write_text("f" * 64)
        link(draft, target)

    monkeypatch.setattr(os, "link", link_late)
    assert load_or_create_secret(path) == "f" * 64
    assert list(tmp_path.iterdir()) == [path]


def test_one_of_32_bytes_is_long_enough(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("x" * 32)
    assert load_or_create_secret(path) == "x" * 32


@pytest.mark.parametrize("content", ["", "a", "x" * 31, " " * 40])
def test_one_too_short_to_be_secret_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret"
    path.write_text(content)
    with pytest.raises(OSError, match="secret holds no secret of 32 bytes or more"):
        load_or_create_secret(path)

"""The secret beside the embedded database: created once, readable only by its owner, and never weak."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from api.secret_file import load_or_create_secret


@pytest.mark.parametrize("folder", ["", "data", "var/data"])
def test_the_secret_is_created_once_and_readable_only_by_its_owner(tmp_path: Path, folder: str) -> None:
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
def test_a_secret_that_is_too_short_is_rejected_with_its_file_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret"
    path.write_text(content)
    with pytest.raises(OSError, match="secret holds no secret of 32 bytes or more"):
        load_or_create_secret(path)

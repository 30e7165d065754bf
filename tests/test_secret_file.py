"""The secret beside the embedded database: created once, readable only by its owner, and never weak."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from api.secret_file import load_or_create_secret

STRONG = "0f6b1c93d8e24a57b90c3e7f12d4a68591cb07f3e8264d5aa3b970e1c85d2f46"


def write(path: Path, content: str) -> None:
    """Write a file that only its owner may read."""
    path.write_text(content)
    path.chmod(0o600)


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
        write(target, STRONG)
        link(draft, target)

    monkeypatch.setattr(os, "link", link_late)
    assert load_or_create_secret(path) == STRONG
    assert list(tmp_path.iterdir()) == [path]


def test_one_of_32_bytes_is_long_enough(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write(path, STRONG[:32])
    assert load_or_create_secret(path) == STRONG[:32]


@pytest.mark.parametrize("content", ["", "a", "x" * 31, " " * 40])
def test_a_secret_that_is_too_short_is_rejected_with_its_file_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret"
    write(path, content)
    with pytest.raises(OSError, match="secret holds no secret of 32 bytes or more"):
        load_or_create_secret(path)


@pytest.mark.parametrize("content", ["0" * 32, "please-change-this-secret-in-production", "secret" * 8])
def test_a_secret_that_can_be_guessed_is_rejected(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret"
    write(path, content)
    with pytest.raises(OSError, match="can be guessed") as caught:
        load_or_create_secret(path)
    assert content not in str(caught.value)


@pytest.mark.parametrize("mode", [0o666, 0o644, 0o640, 0o620, 0o604, 0o601])
def test_a_file_that_is_open_to_others_is_rejected(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    write(path, STRONG)
    path.chmod(mode)
    with pytest.raises(OSError, match="open to other users: chmod 600"):
        load_or_create_secret(path)


def test_a_file_of_another_user_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret"
    write(path, STRONG)
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
    else:
        # Only root can give a file away.
        monkeypatch.setattr(os, "geteuid", lambda: 65534)
    with pytest.raises(OSError, match="belongs to another user"):
        load_or_create_secret(path)


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_is_not_followed(tmp_path: Path, exists: bool) -> None:
    elsewhere, path = tmp_path / "elsewhere", tmp_path / "data" / "secret"
    path.parent.mkdir()
    path.symlink_to(elsewhere)
    if exists:
        write(elsewhere, STRONG)
    with pytest.raises(OSError, match="is a symbolic link"):
        load_or_create_secret(path)
    assert elsewhere.exists() == exists
    assert list(path.parent.iterdir()) == [path]


def test_the_draft_is_written_to_no_file_that_was_there_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda size: "ab" * size)
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / f".secret.{'ab' * 8}").symlink_to(elsewhere)
    with pytest.raises(FileExistsError):
        load_or_create_secret(tmp_path / "secret")
    assert not elsewhere.exists()


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_rejected_at_once(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "secret"
    make(path)
    with pytest.raises(OSError, match="secret is not a file"):
        load_or_create_secret(path)

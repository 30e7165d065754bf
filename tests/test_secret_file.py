"""The secret beside the embedded database: created once, readable only by its owner, and never weak."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from api.secret_file import keep_secret


def test_the_secret_is_created_once_and_readable_only_by_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret"
    secret = keep_secret(path)
    assert keep_secret(path) == secret
    assert len(secret) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "a", "x" * 31, " " * 40])
def test_a_secret_that_is_too_short_is_rejected_with_its_file_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret"
    path.write_text(content)
    with pytest.raises(OSError, match="secret holds no secret of 32 bytes or more"):
        keep_secret(path)

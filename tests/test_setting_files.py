"""A setting that contains a secret, in a file that NAME_FILE names, as containers mount them."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.settings import SettingsError, load_settings

SECRET = "XvR0sN1dQe7yTg4uLk9pWb2mHz6cJf8a"
BASIS = {"DATABASE_URL": "postgresql://localhost/tasks", "BETTER_AUTH_SECRET": SECRET}

SECRET_NAMES = ["DATABASE_URL", "BETTER_AUTH_SECRET", "BETTER_AUTH_SECRETS", "RATE_LIMIT_STORAGE"]
"""The settings that contain a secret."""


class TestASettingInAFile:
    @pytest.mark.parametrize(
        ("name", "text", "value"),
        [
            ("DATABASE_URL", "postgresql://localhost/other", "postgresql://localhost/other"),
            ("BETTER_AUTH_SECRET", SECRET, SECRET),
            ("BETTER_AUTH_SECRETS", f"1:{SECRET}", (SECRET,)),
            ("RATE_LIMIT_STORAGE", "redis://:word@localhost/0", "redis://:word@localhost/0"),
        ],
    )
    def test_has_the_same_value(self, tmp_path: Path, name: str, text: str, value: object) -> None:
        file = tmp_path / "mounted"
        file.write_text(f"{text}\n")
        settings = load_settings({**BASIS, name: "", f"{name}_FILE": str(file)})
        assert getattr(settings, name.lower()) == value

    @pytest.mark.parametrize("name", SECRET_NAMES)
    def test_may_not_be_set_in_both_ways(self, tmp_path: Path, name: str) -> None:
        file = tmp_path / "mounted"
        file.write_text(SECRET)
        with pytest.raises(SettingsError, match=rf"^{name} and {name}_FILE are both set"):
            load_settings({**BASIS, name: "postgresql://localhost/tasks", f"{name}_FILE": str(file)})

    @pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff" * 40, b"x" * 65_537])
    def test_that_is_not_there_or_holds_no_value_is_named(self, tmp_path: Path, content: bytes | None) -> None:
        file = tmp_path / "mounted"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(SettingsError, match=rf"^BETTER_AUTH_SECRET cannot be read from {file} ") as caught:
            load_settings({"BETTER_AUTH_SECRET_FILE": str(file)})
        assert "\n" not in str(caught.value)

    def test_is_checked_like_any_other(self, tmp_path: Path) -> None:
        file = tmp_path / "mounted"
        file.write_text("0" * 32)
        with pytest.raises(SettingsError, match=r"^BETTER_AUTH_SECRET can be guessed"):
            load_settings({"BETTER_AUTH_SECRET_FILE": str(file)})

    @pytest.mark.parametrize("name", ["PORT", "JWKS_URL", "HOST"])
    def test_is_only_for_settings_that_contain_a_secret(self, tmp_path: Path, name: str) -> None:
        file = tmp_path / "mounted"
        file.write_text("80")
        assert load_settings({**BASIS, f"{name}_FILE": str(file)}).port == 8000

"""The rule for passwords. accounts.py hashes them."""

from __future__ import annotations

from typing import Final

PASSWORD_BYTES: Final = range(8, 73)
"""Allowed lengths in UTF-8. bcrypt reads no more than 72 bytes."""

LENGTH_RULE: Final = f"{PASSWORD_BYTES[0]} to {PASSWORD_BYTES[-1]} bytes long"


def has_allowed_length(password: str) -> bool:
    """Whether the password is neither too short nor too long."""
    return len(password.encode()) in PASSWORD_BYTES

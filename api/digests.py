"""Keyed digests: without the secret, they say only whether two values are equal."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

_PURPOSE: Final = b"tasks-backend digests"
"""Keeps the key apart from the one that signs tokens."""


class KeyedDigests:
    """HMAC-SHA-256 with keys that are derived from the secrets, newest first."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [hmac.digest(secret.encode(), _PURPOSE, hashlib.sha256) for secret in secrets]

    def digest(self, *parts: str) -> bytes:
        """The digest of these texts with the newest secret."""
        return self.all_digests(*parts)[0]

    def all_digests(self, *parts: str) -> list[bytes]:
        """The digests with each secret, newest first: a change of the secret forgets nothing."""
        # A length before each part: ("ab", "c") is not ("a", "bc").
        encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
        message = b"".join(len(part).to_bytes(8, "big") + part for part in encoded)
        return [hmac.digest(key, message, hashlib.sha256) for key in self._keys]

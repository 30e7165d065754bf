"""A keyed digest of an account's e-mail for the log: it tells accounts apart and shows no e-mail."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Final

from api.text import fold_case

_PURPOSE: Final = b"account in the log\0"
_DIGITS: Final = 16


class AccountDigest:
    """Digests e-mails with `secret`. Another secret gives other digests, so they cannot be matched with a list."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), _PURPOSE, sha256)

    def __call__(self, email: str) -> str:
        """16 hexadecimal digits, the same for all spellings of one account's e-mail."""
        return hmac.digest(self._key, fold_case(email).encode(), sha256).hex()[:_DIGITS]

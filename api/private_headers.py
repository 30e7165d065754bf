"""Header fields of responses that may contain a user's data: no cache stores it, no browser guesses its type."""

from __future__ import annotations

from typing import Final

NO_STORE: Final = ("Cache-Control", "no-store")
NO_SNIFF: Final = ("X-Content-Type-Options", "nosniff")

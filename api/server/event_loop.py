"""What a connection needs of its loop. Apart from loop.py, which imports connection.py."""

from __future__ import annotations

from typing import Any, Protocol

from api.server.quotas import Quotas


class EventLoop(Protocol):
    """What a connection needs of its loop."""

    stopping: bool
    quotas: Quotas

    def await_event(self, descriptor: int, event: int) -> None:
        """Have `handle_event` called, once."""

    def remove(self, connection: Any) -> None:
        """Forget a connection that is about to close."""

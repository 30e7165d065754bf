"""What a connection waits for, and how long it may."""

from __future__ import annotations

import math
from enum import Enum
from typing import Final

HEAD_TIMEOUT: Final = 30.0
"""Seconds from a request's first byte to the end of its head."""

REQUEST_TIMEOUT: Final = 60.0
"""Seconds from a request's first byte to the end of its body."""

IDLE_TIMEOUT: Final = 75.0
"""Seconds between two requests: longer than proxies keep a connection, so that they close first."""

CROWDED_IDLE_TIMEOUT: Final = 5.0
"""The same while no more connections are accepted."""

SEND_TIMEOUT: Final = 30.0
"""Seconds in which a client takes nothing of a response."""

LINGER_TIMEOUT: Final = 3.0
"""Seconds a client gets to close after the last response."""

DRAIN_GRACE: Final = 0.5
"""While the server stops: seconds for a client to close, and for a request that may already be in flight."""


class State(Enum):
    """What a connection waits for."""

    IDLE = "a request"
    HEAD = "the rest of a head"
    BODY = "the rest of a body"
    QUEUED = "its turn"
    SENDING = "the client to take more of a response"
    LINGERING = "the client to close"


def time_limit(state: State, *, crowded: bool, stopping: bool) -> float:
    """Seconds that a connection may be in a state."""
    if state is State.IDLE:
        return CROWDED_IDLE_TIMEOUT if crowded else IDLE_TIMEOUT
    if state is State.HEAD:
        return HEAD_TIMEOUT
    if state is State.BODY:
        return REQUEST_TIMEOUT
    if state is State.SENDING:
        return SEND_TIMEOUT
    if state is State.LINGERING:
        return DRAIN_GRACE if stopping else LINGER_TIMEOUT
    # Its quota limits that.
    return math.inf

"""The outcome of each request, and the line of figures printed for a scenario."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

BROKEN = 0
"""The status of a request whose connection ended before the response."""


class Outcome(NamedTuple):
    """One request; times are monotonic seconds."""

    status: int
    code: str
    """The error code of the response; empty for a success."""
    began: float
    sent: float
    """When the client had passed the whole request to the kernel."""
    ended: float
    port: int
    """The client's local port, which identifies the connection."""

    @property
    def wait(self) -> float:
        return self.ended - self.began

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300


DEADLINE = 1.0
"""Seconds: the service's shortest deadline, that of a connection to the database."""


def failures(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The 503s that no deadline explains: on a machine that stands still for a second a request may meet one."""
    return [each for each in outcomes if each.code == "DATABASE_UNAVAILABLE" and each.wait < DEADLINE]


def longest_wait(outcomes: Sequence[Outcome]) -> float:
    return max(each.wait for each in outcomes)


def first_served_after(since: float, outcomes: Sequence[Outcome]) -> float:
    """Seconds from `since` to the first 2xx."""
    return min(each.ended for each in outcomes if each.is_good and each.ended > since) - since


def report(title: str, outcomes: Sequence[Outcome], lost: int, recovered: float | None = None) -> None:
    """Print the figures; `recovered` in seconds."""
    statuses = Counter(each.status for each in outcomes)
    good = sum(each.is_good for each in outcomes)
    others = {status: count for status, count in statuses.items() if 400 <= status < 500}
    words = [f"sent {len(outcomes)}", f"2xx {good}"]
    words += [f"{status} {count}" for status, count in sorted(others.items())]
    words += [f"503 {statuses[503]}", f"broken {statuses[BROKEN]}", f"lost {lost}"]
    words += [f"longest wait {longest_wait(outcomes):.2f} s"]
    words += [f"recovered after {recovered:.2f} s"] if recovered is not None else []
    print(f"\n{title}: {', '.join(words)}")

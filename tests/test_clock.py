"""Durations are measured by a clock that nobody sets: the wall clock is read only for dates."""

from __future__ import annotations

import ast

from tests.support.processes import PROJECT

DATES = {
    "api/rate_limits.py": "windows that all processes share",
    "api/server/response.py": "the Date header",
    "api/accounts.py": "the age of a log-in, which its token names",
    "api/profiles/account_format.py": "when a token expires",
    "api/tokens.py": "exp, nbf and iat",
}
"""The modules that may, and for what."""

WALL_CLOCKS = {"time", "time_ns", "now", "utcnow", "today", "CLOCK_REALTIME"}


def read_wall_clocks(source: str) -> list[str]:
    """The attributes of `time`, `datetime` and `date` in a module that are the wall clock; also imported ones."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in ("time", "datetime", "date") and node.attr in WALL_CLOCKS:
                found.append(f"{node.value.id}.{node.attr}")
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            found += [f"time.{alias.name}" for alias in node.names if alias.name in WALL_CLOCKS]
    return found


def test_the_wall_clock_is_read_only_for_dates() -> None:
    files = [PROJECT / "serve.py", *sorted((PROJECT / "api").rglob("*.py"))]
    readers = {str(file.relative_to(PROJECT)) for file in files if read_wall_clocks(file.read_text(encoding="utf-8"))}
    assert readers == set(DATES)


def test_it_finds_each_way_to_read_the_wall_clock() -> None:
    assert read_wall_clocks("from time import time, monotonic\nimport time\ntime.time()\ndatetime.now()") == [
        "time.time",
        "time.time",
        "datetime.now",
    ]

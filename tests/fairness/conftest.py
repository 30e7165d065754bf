"""A service with two workers, for each test anew: what one test leaves shows in none.

Its settings are the defaults, but for two limits that a busy machine reaches sooner, or later, than another.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fairness.crowd import fill
from tests.support.processes import Service, running
from tests.support.signing import SECRET, token_for


@pytest.fixture
def service(database: object, database_url: str, tmp_path: Path) -> Iterator[Service]:
    settings = {"BETTER_AUTH_SECRET": SECRET, "WORKERS": "2", "STATEMENT_TIMEOUT": "60", "RATE_LIMIT": ""}
    with running(tmp_path / "log", DATABASE_URL=database_url, **settings) as service:
        yield service


@pytest.fixture
def heavy(service: Service, database_url: str) -> str:
    """The token of a user with 10,000 tasks of 10 KB."""
    fill(database_url, "heavy", 10_000)
    return token_for("heavy")


@pytest.fixture
def other(service: Service) -> tuple[str, str]:
    """The token of another user, and the path of a task of that user."""
    token = token_for("other")
    created = service.call("POST", "/api/tasks", {"title": "Buy milk"}, token=token)
    return token, created.headers["location"]

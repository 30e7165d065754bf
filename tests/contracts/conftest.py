"""Fixtures of the contract tests: the real process, and a user with many tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.postgres.database import Database
from tests.contracts import task_model
from tests.support.callers import Caller
from tests.support.processes import PATIENT, UNLIMITED, Service, starting


@pytest.fixture
def start_service(create_database: Callable[[], str], tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Starts serve.py over a new database."""
    with starting(tmp_path, DATABASE_URL=create_database(), WORKERS="1", **UNLIMITED, **PATIENT) as start:
        yield start


@pytest.fixture(scope="module")
def start_shared_service(
    create_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Service]]:
    """The same, for all tests of a module."""
    with starting(
        tmp_path_factory.mktemp("service"), DATABASE_URL=create_database(), WORKERS="1", **UNLIMITED
    ) as start:
        yield start


@pytest.fixture
def listed(user: Caller, make_user: Callable[..., Caller], database: Database) -> list[dict[str, Any]]:
    """The user's tasks; another user has tasks with the same text."""
    task_model.store(database, str(make_user().user_id), copies=1)
    task_model.store(database, str(user.user_id))
    tasks: list[dict[str, Any]] = user("GET", "/api/tasks").json["data"]
    return tasks

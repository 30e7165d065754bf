"""Databases as the version before has left them, and as this version has upgraded them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.migrate import migrate
from api.postgres.database import Database
from tests.support.postgres import connect
from tests.upgrades import version_before


@pytest.fixture(scope="session")
def project_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the version before."""
    return version_before.extract(tmp_path_factory.mktemp("version-before"))


@pytest.fixture
def database_before(create_database: Callable[[], str], project_before: Path) -> Iterator[Database]:
    """A database that the version before has made."""
    database = connect(create_database())
    version_before.install(database.url, project_before)
    yield database
    database.close()


@pytest.fixture
def fresh_database(create_database: Callable[[], str]) -> Iterator[Database]:
    """A database that this version has made, apart from the one that other tests share."""
    database = connect(create_database())
    migrate(database, "users")
    yield database
    database.close()

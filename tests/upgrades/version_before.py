"""The version before this one: its code, as the history of this repository has it, and a database that it has made."""

from __future__ import annotations

import logging
import subprocess
from pathlib import Path

import pytest
from peewee_migrate import Router

from api.migrate import MigrationDatabase
from tests.support.processes import PROJECT

COMMIT = "49950cf0088e11410f575ecb7c96edaf9101012c"
"""The last commit of version 0.1.0."""

LATER = ["002_folded_text", "003_accounts"]
"""The migrations since."""

_quiet = logging.getLogger(f"{__name__}.router")
_quiet.setLevel(logging.CRITICAL)


def extract(folder: Path) -> Path:
    """The project as of COMMIT, in this folder."""
    archive = subprocess.run(
        ["git", "-C", str(PROJECT), "archive", "--format=tar", COMMIT], capture_output=True, timeout=60, check=False
    )
    if archive.returncode != 0:
        pytest.fail(f"commit {COMMIT[:7]} is not here, a full clone has it: git fetch --unshallow", pytrace=False)
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, timeout=60, check=True)
    return folder


def install(url: str, project: Path, users_table: str = "users") -> None:
    """Make the schema of the version before in an empty database, with that version's migrations and history table."""
    connection = MigrationDatabase(url, users_table)
    with connection.connection_context(), connection.atomic():
        Router(connection, project / "migrations", logger=_quiet).run()

"""Fixtures of the user commands' tests: running a command, and users to run it on."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from falcon.testing import TestClient

from api import user_administration
from api.postgres.database import Database
from serve import main
from tests.support.callers import Caller
from tests.support.processes import UNLIMITED

EMAIL, PASSWORD = "Ada@example.com", "correct horse"

Run = Callable[..., tuple[int, str, str]]
"""Runs a command on the tests' database; its exit status, output and errors."""


@pytest.fixture
def run(
    database_url: str, database: Database, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Runs a command on the tests' database; its exit status, output and errors."""

    def run_command(*arguments: str, stdin: str = "", **environ: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        capsys.readouterr()
        status = main(["users", *arguments], {**UNLIMITED, "DATABASE_URL": database_url, **environ})
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run_command


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_administration, "BATCH", 2)


@pytest.fixture
def ada(client: TestClient) -> Caller:
    fields = {"email": EMAIL, "password": PASSWORD, "name": "Ada"}
    data = client.simulate_post("/auth/register", json=fields).json["data"]
    return Caller(client, data["user"]["id"], data["token"])


@pytest.fixture
def provisioned(make_user: Callable[..., Caller]) -> Caller:
    """A user of an auth server, with one task."""
    user = make_user("bob", email="bob@example.com")
    user.make_task("Bob's")
    return user

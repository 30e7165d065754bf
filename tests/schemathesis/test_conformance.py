"""Schemathesis checks the running service against its document: every check, including stateful links.

schemathesis.toml has the bounds, and the exceptions with their reasons.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.processes import PATIENT, UNLIMITED, running
from tests.support.programs import missing
from tests.support.signing import token_for

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
COMMAND = Path(sys.executable).with_name("schemathesis")
DEADLINE = 600


@pytest.fixture
def check(create_database: Callable[[], str], tmp_path: Path) -> Callable[..., tuple[str, int]]:
    """A function that runs Schemathesis on a service with these settings: the report, and the number of operations.

    The service has an empty database and no rate limit.
    """
    if not COMMAND.exists():
        missing("needs schemathesis: pip install '.[test]'")

    def run(**settings: str) -> tuple[str, int]:
        settings = {"WORKERS": "1", "DATABASE_URL": create_database(), **UNLIMITED, **PATIENT, **settings}
        with running(tmp_path / "log", **settings) as service:
            document = service.call("GET", "/openapi.json").json
            done = subprocess.run(
                [COMMAND, "--config-file", CONFIGURATION, "run", f"{service.origin}/openapi.json"],
                cwd=tmp_path,
                env={"PATH": os.environ["PATH"], "PYTHONUTF8": "1", "TASKS_TOKEN": token_for("ada")},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=DEADLINE,
                check=False,
            )
            assert done.returncode == 0, done.stdout
            assert service.events("failed") == []
        return done.stdout, sum(len(item) - 1 for item in document["paths"].values())

    return run


@pytest.mark.parametrize(
    "settings", [{}, {"FRONTEND": "plain"}, {"FRONTEND": "nest"}], ids=["families", "plain", "nest"]
)
def test_every_response_conforms_to_the_document(
    check: Callable[..., tuple[str, int]], settings: dict[str, str]
) -> None:
    report, operations = check(**settings)

    assert re.search(rf"Tested: {operations}\b", report), report
    assert re.search(r"API Links: +[1-9]\d* covered", report), report
    assert len(re.findall(r"✅ (Examples|Coverage|Fuzzing|Stateful)$", report, re.MULTILINE)) == 4, report

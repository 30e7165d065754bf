"""Schemathesis checks the running service against its document: every check, including stateful links.

schemathesis.toml has the bounds, and the exceptions with their reasons.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.processes import PROJECT, UNLIMITED, running
from tests.support.programs import missing
from tests.support.signing import token_for

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
COMMAND = Path(sys.executable).with_name("schemathesis")
DEADLINE = 600


@pytest.fixture
def report(create_database: Callable[[], str], tmp_path: Path) -> str:
    """The report of Schemathesis on a service with an empty database and no rate limit."""
    if not COMMAND.exists():
        missing("needs schemathesis: pip install '.[test]'")
    with running(tmp_path / "log", WORKERS="1", DATABASE_URL=create_database(), **UNLIMITED) as service:
        document = f"{service.origin}/openapi.json"
        done = subprocess.run(
            [COMMAND, "--config-file", CONFIGURATION, "run", document],
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
    return done.stdout


def test_every_response_conforms_to_the_document(report: str) -> None:
    document = json.loads((PROJECT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    operations = sum(len(item) - 1 for item in document["paths"].values())
    assert re.search(rf"Tested: {operations}\b", report), report
    assert re.search(r"API Links: +[1-9]\d* covered", report), report
    assert len(re.findall(r"✅ (Examples|Coverage|Fuzzing|Stateful)$", report, re.MULTILINE)) == 4, report

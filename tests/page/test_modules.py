"""The modules of the web page that need no document, run under Node with a clock and a server of the tests' own."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tests.support.programs import missing

TESTS = Path(__file__).parent
DEADLINE = 300


def test_the_modules_below_the_views_work() -> None:
    node = shutil.which("node")
    if node is None:
        missing("needs Node 20")
    files = sorted(TESTS.glob("*.test.js"))
    done = subprocess.run(
        [node, "--test", "--test-reporter=tap", *files],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"^# pass [1-9]", done.stdout, re.MULTILINE), done.stdout

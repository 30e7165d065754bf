"""The command `tasks-backend` of an installed wheel: serve.py, as in a checkout.

A wheel holds api/, migrations/ and serve.py unchanged, in one package named tasks_backend. They import each other by
the names that they have in a checkout, so their folder comes first on the path.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def run() -> int:
    """Run the command line of this process, and return the exit status."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from serve import main  # noqa: PLC0415 found on the path of the line above

    return main(sys.argv[1:], os.environ)
